import type { EngineReader } from '../../engine/reader.ts'

/** What an ability's trial came to. */
export interface Trial {
  readonly status: 'ok' | 'missing' | 'unknown'
  /** What was seen: "denied with EPERM", "EINVAL". */
  readonly detail: string
}

/** Something that Paddock needs of this host, tried and not guessed. */
export interface Ability {
  readonly id: string
  readonly title: string
  /** What is lost without it. */
  readonly lost: string
  /** What to try. */
  readonly remedy: string
  try(bench: Bench): Promise<Trial> | Trial
}

/** Where the trials are made: an overlay of their own on a real disk. */
export interface Bench {
  /** A mounted overlay with `merged/program`, an executable shell script, in its lower layer; null where mounting failed. */
  readonly overlay: { readonly merged: string; readonly upper: string; readonly lower: string } | null
  readonly overlayProblem: string
  readonly stateDir: string
  readonly engine: EngineReader | null
  readonly engineProblem: string
}

export const ok = (detail: string): Trial => ({ status: 'ok', detail })
export const missing = (detail: string): Trial => ({ status: 'missing', detail })
export const unknown = (detail: string): Trial => ({ status: 'unknown', detail })
