import type { ProcessRef, Severity } from '../protocol/findings.ts'

export type AlertState = 'open' | 'acknowledged'

/** One alert as a list shows it: the contract of `paddock alerts ls --json`, and further keys. */
export interface Alert {
  readonly id: string
  readonly state: AlertState
  readonly severity: Severity
  /** One line, safe for a terminal. */
  readonly summary: string
  /** The container's name; null where the host or Paddock itself is meant. */
  readonly container: string | null
  /** RFC 3339, of the first and last finding. */
  readonly firstAt: string
  readonly lastAt: string
  /** Observations that its findings stand for. */
  readonly count: number
  /** Null: not known. */
  readonly causePresent: boolean | null
  readonly findings: number
  /** Of `count`, what would have been alerts of its own but for the limit of alerts an hour. */
  readonly suppressed: number
  readonly containerId: string | null
  readonly image: string | null
  readonly engine: string | null
  readonly reasons: readonly string[]
  /** The acknowledged alert that this is a recurrence of. */
  readonly previous: string | null
  readonly maintenance: { readonly id: string; readonly reason: string } | null
  readonly acknowledged: { readonly at: string; readonly by: string; readonly reason: string } | null
}

/** One captured file of an alert. */
export interface AlertEvidence {
  readonly sha256: string
  readonly size: number
  readonly truncated: boolean
  /** Where it lay in the container. */
  readonly path: string
}

/** One line of an alert's story. */
export interface TimelineItem {
  readonly number: number
  readonly at: string
  readonly severity: Severity
  readonly kind: string
  readonly source: string
  readonly summary: string
  readonly count: number
  readonly path: string | null
  readonly verdict: 'denied' | 'allowed' | null
  readonly change: {
    readonly kind: string
    readonly type: string
    readonly rows: readonly { readonly what: string; readonly was: string; readonly now: string }[]
  } | null
  readonly sha256s: readonly string[]
}

/** A process of the story under the one that started it. */
export interface ProcessNode extends ProcessRef {
  readonly children: readonly ProcessNode[]
}

/** All that is known of one alert. */
export interface AlertStory extends Alert {
  readonly timeline: readonly TimelineItem[]
  /** Findings between the first and the last ones shown. */
  readonly omitted: number
  readonly processes: readonly ProcessNode[]
  readonly evidence: readonly AlertEvidence[]
  /** Policy that would have expected this, in the grammar of docs/policy.md; empty where none can. */
  readonly policyLines: readonly string[]
  /** Later alerts that name this one as their previous. */
  readonly next: readonly string[]
}
