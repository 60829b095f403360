/** How bad; also the order in which people should look. */
export const severities = ['info', 'low', 'medium', 'high', 'critical'] as const
export type Severity = (typeof severities)[number]

/** Which source of the sensor saw it. `audit` is `paddock audit --alert`, which leaves it for the sensor. */
export const findingSources = [
  'fanotify',
  'layer-watch',
  'sweep',
  'process-connector',
  'process-sweep',
  'engine',
  'self-test',
  'sensor',
  'audit',
] as const
export type FindingSource = (typeof findingSources)[number]

/**
 * What was seen.
 * `change`: a change of the layer directory, a volume or a tmpfs that policy does not expect.
 * `exec`: a program ran, or was denied, that is not in the image.
 * `process`: a running process that policy does not expect, or one that should run and does not.
 * `lifecycle`: a container or an engine came, went or was changed in a way that matters.
 * `audit`: the host, its engine or a container is weaker than at the last audit (docs/audit.md).
 * `trouble`: the sensor's own: overflow, a dead source, a failed self-test, a full spool, a clock jump, a policy that does not load.
 */
export const findingKinds = ['change', 'exec', 'process', 'lifecycle', 'audit', 'trouble'] as const
export type FindingKind = (typeof findingKinds)[number]

/** design.md's words: what became of a path, compared with the baseline (src/cow/change.ts has the type). */
export const changeKinds = ['added', 'modified', 'deleted', 'metadata', 'replaced'] as const

/** Where a program lies. */
export const programPlaces = [
  'image',
  'layer',
  'tmpfs',
  'volume',
  'bind',
  'memfd',
  'deleted',
  'host',
  'unknown',
] as const
export type ProgramPlace = (typeof programPlaces)[number]

/** A name that a container chose: text, with the bytes beside it where they are not UTF-8. */
export interface PathJson {
  readonly path: string
  readonly pathBase64?: string
}

export interface ContainerRef {
  readonly id: string
  readonly name: string
  readonly image: string
  readonly engine: 'docker' | 'podman'
}

/** One process, as far as `/proc` still told. Strings are what the process claims: hostile. */
export interface ProcessRef {
  readonly pid: number
  /** Clock ticks since boot: with the pid, an identity. 0 where it was gone. */
  readonly startTicks: number
  readonly parentPid: number
  readonly command: string
  readonly exe: PathJson | null
  /** At most 4 KiB in all; null where it was gone. */
  readonly argv: readonly string[] | null
  /** As the host sees them, and inside the container's user namespace; null where it was gone. */
  readonly uid: number | null
  readonly uidInside: number | null
}

export interface SideJson {
  readonly mode: string
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly sha256?: string
}

/**
 * One finding as it crosses from the sensor to watch: one JSON document on one line, at most 64 KiB.
 * It grows by optional keys only; whoever reads one ignores keys that it does not know.
 */
export interface Finding {
  readonly version: 1
  /** Numbered from 1 by the spool, without gaps, over all of the sensor's lives. Unique within one spool id (`hello`). */
  readonly number: number
  /** RFC 3339, milliseconds, UTC: when it was seen. */
  readonly at: string
  readonly kind: FindingKind
  readonly source: FindingSource
  readonly severity: Severity
  /** Ids of the table of reasons (src/policy/severity.ts), of `trouble`: "queue-overflow", or of an audit's checks. */
  readonly reasons: readonly string[]
  /** One sentence for people, already safe for a terminal. */
  readonly summary: string
  readonly container: ContainerRef | null
  /** What belongs together has the same key: container, process tree or burst. */
  readonly group: string
  /** How many observations this finding stands for; more than 1 when a burst was folded. */
  readonly count: number
  readonly path?: PathJson
  readonly change?: {
    readonly kind: (typeof changeKinds)[number]
    readonly type: string
    readonly now: SideJson | null
    readonly was: SideJson | null
  }
  readonly exec?: {
    readonly verdict: 'denied' | 'allowed'
    readonly from: ProgramPlace
    /** Microseconds from the kernel's question to the answer. */
    readonly verdictMicros?: number
  }
  /** The process that did it, then its ancestors up to the container's init. */
  readonly processes?: readonly ProcessRef[]
  /** Whether it came in by `docker exec` (or the engine's like) and not from the container's init; absent where that was not to be seen. */
  readonly byExec?: boolean
  readonly evidence?: readonly {
    readonly sha256: string
    readonly size: number
    /** Whether only the first 32 MiB were kept. */
    readonly truncated: boolean
  }[]
  /**
   * Further facts, flat: "queue": 16384. `shortened: true` where the codec left something out to fit the line.
   * Findings that could not be kept are told by one `trouble` with the reason `findings-lost`: `count` is how many,
   * `lostFrom` and `lostTo` (RFC 3339) when the first and the last of them were seen, `critical`, `high`, … how
   * many of each severity, `why` what was in the way. They never had a number. `spool-full` tells that it begins.
   */
  readonly details?: Readonly<Record<string, string | number | boolean>>
}
