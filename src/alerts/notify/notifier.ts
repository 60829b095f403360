import type { Notice } from './notice.ts'

/** One setting of a channel in `watch.yaml`. A `secret` may be given by a file: `tokenFile` in place of `token`. */
export interface Field {
  readonly type: 'url' | 'text' | 'secret' | 'texts' | 'number' | 'boolean'
  readonly required: boolean
  /** The only values allowed. */
  readonly values?: readonly string[]
  /** One line for docs/alerts.md. */
  readonly help: string
}

type Fields = Readonly<Record<string, Field>>

type Value<F extends Field> = F extends { values: readonly (infer V)[] }
  ? V
  : F extends { type: 'number' }
    ? number
    : F extends { type: 'boolean' }
      ? boolean
      : F extends { type: 'texts' }
        ? readonly string[]
        : string

export type Settings<F extends Fields> = {
  readonly [K in keyof F as F[K] extends { required: true } ? K : never]: Value<F[K]>
} & { readonly [K in keyof F as F[K] extends { required: true } ? never : K]?: Value<F[K]> }

/** A way to tell people. */
export interface NotifierKind {
  /** One line for docs/alerts.md. */
  readonly summary: string
  readonly fields: Fields
  /** Whether it keeps a state of its own, and so hears of every alert, none left out of a digest, and of acknowledgements. */
  readonly followsState: boolean
  /** How often it must hear again of what is still open; absent: it does not forget. */
  readonly renewMs?: number
  /**
   * Delivers, or rejects with an error whose message says why in one sentence, without secrets. It may be called
   * again with the same notice.
   */
  send(settings: Readonly<Record<string, unknown>>, notice: Notice, signal: AbortSignal): Promise<void>
}

/** A kind whose `send` sees its own settings with their types. */
export function defineNotifier<const F extends Fields>(
  kind: Omit<NotifierKind, 'fields' | 'send'> & {
    fields: F
    send(settings: Settings<F>, notice: Notice, signal: AbortSignal): Promise<void>
  },
): NotifierKind {
  // config.ts reads settings by these very fields, so `send` gets what it declares.
  return kind
}
