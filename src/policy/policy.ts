import type { ChangeKind } from '../cow/change.ts'

export type { Severity } from '../protocol/findings.ts'

/** Where a rule was written, for messages and `policy explain`: "web.yaml:4", "label paddock.expect". */
export interface RuleSource {
  readonly file: string
  readonly line: number
}

/** "web.yaml:4". Not escaped. */
export function sourceText({ file, line }: RuleSource): string {
  return `${file}:${line}`
}

/** One line of `expect`. */
export interface ExpectRule {
  readonly glob: string
  /** All kinds when absent. */
  readonly kinds: ReadonlySet<ChangeKind> | null
  /** Bytes; null is no bound. */
  readonly maxSizeBytes: number | null
  readonly source: RuleSource
}

/** One line of `processes`. */
export interface ProcessRule {
  /** Glob of the executable's path inside the container. */
  readonly exe: string
  /** User name or id inside the container; null is any. */
  readonly user: string | null
  /** Glob over the arguments joined by spaces, without argv[0]; null is any. */
  readonly args: string | null
  readonly required: boolean
  readonly source: RuleSource
}

/** One line of `execAllow`: what of the layer directory may run. */
export interface ExecRule {
  readonly glob: string
  readonly source: RuleSource
}

export type ExecMode = 'alert' | 'deny'

/** What is expected of one container, after every place that speaks of it was read. */
export interface Policy {
  readonly expect: readonly ExpectRule[]
  /** Null: nothing was declared about processes, and none is judged. */
  readonly processes: readonly ProcessRule[] | null
  readonly exec: ExecMode
  readonly execAllow: readonly ExecRule[]
}
