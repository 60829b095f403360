import type { ContainerRef, FindingSource, PathJson, Severity, SideJson } from './findings.ts'

// The answers to watch's requests. All bounded by the sensor; what is left out is counted.

/** `status`: how the sensor itself is, and each container that it knows. */
export interface SensorStatus {
  readonly version: 1
  /** RFC 3339, milliseconds, UTC: when this was put together. */
  readonly at: string
  readonly startedAt: string
  readonly host: string
  readonly sources: readonly {
    readonly name: FindingSource
    /** `off`: not there on this kernel or not asked for; `dead`: it was there and is no more. */
    readonly state: 'ok' | 'off' | 'dead'
    /** One sentence; for `off` and `dead` which guarantee is lost. */
    readonly detail: string
  }[]
  /** Null before the first. */
  readonly selfTest: { readonly at: string; readonly ok: boolean; readonly detail: string } | null
  /** Policy that does not load never widens what is expected: the last good one stays, `error` says why. */
  readonly policy: { readonly loadedAt: string; readonly error: string | null }
  readonly spool: {
    readonly lastNumber: number
    readonly acknowledgedNumber: number
    readonly sizeBytes: number
    readonly quotaBytes: number
  }
  readonly evidence: { readonly sizeBytes: number; readonly quotaBytes: number; readonly dropped: number }
  /** Events seen since the start, and exec verdicts that took over 5 ms. */
  readonly counters: {
    readonly events: number
    readonly verdicts: number
    readonly denied: number
    readonly slowVerdicts: number
    readonly overflows: number
  }
  readonly containers: readonly ContainerStatus[]
}

/** One running container, or one that ran and is not yet removed. */
export interface ContainerStatus extends ContainerRef {
  readonly state: 'running' | 'paused' | 'stopped'
  readonly exec: 'alert' | 'deny'
  readonly expected: number
  readonly unexpected: number
  readonly worst: Severity | null
  /** Null before the first. */
  readonly lastSweepAt: string | null
  readonly processes: number
  /** Executables of `required` process rules that nothing runs now. */
  readonly missing: readonly string[]
}

/** One change as the last sweep (or a later event) left it; expected ones by name alone. */
export interface ChangeStatus extends PathJson {
  readonly kind: 'added' | 'modified' | 'deleted' | 'metadata' | 'replaced'
  readonly type: string
  readonly expected: boolean
  /** The rule that expects it: "web.yaml:4"; null where none does. */
  readonly rule: string | null
  readonly severity: Severity | null
  readonly reasons: readonly string[]
  readonly now: SideJson | null
  readonly was: SideJson | null
}

/** `changes` of one container: unexpected ones first. `omitted` were left out beyond the bound. */
export interface ChangesStatus {
  readonly at: string
  readonly changes: readonly ChangeStatus[]
  readonly omitted: number
}

/** `processes` of one container, its init first. */
export interface ProcessesStatus {
  readonly at: string
  readonly processes: readonly {
    readonly pid: number
    readonly parentPid: number
    readonly command: string
    readonly exe: PathJson | null
    readonly argv: readonly string[]
    readonly user: string
    /** Null where policy declares no processes. */
    readonly expected: boolean | null
  }[]
  readonly omitted: number
}

/** `policy` of one container: what is expected of it, each line with its source. */
export interface PolicyStatus {
  readonly exec: 'alert' | 'deny'
  readonly lines: readonly { readonly text: string; readonly source: string }[]
}

/**
 * `present`: whether the cause of a finding is still there. For a `change` the path still differs from the
 * baseline unexpectedly; for an `exec` or `process` that process still lives; null: the sensor cannot tell.
 */
export interface PresentStatus {
  readonly present: readonly (boolean | null)[]
}
