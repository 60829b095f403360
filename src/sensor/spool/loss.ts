import type { Finding, Severity } from '../../protocol/findings.ts'
import type { NewFinding } from '../ports.ts'

/** Findings that could not be kept, counted until the count itself can be reported. Survives the sensor's death. */
export interface Loss {
  readonly count: number
  /** When the first and the last of them were seen, RFC 3339. */
  readonly from: string
  readonly to: string
  /** What was in the way: "the spool's quota of 256 MiB is used up", "ENOSPC: no space left on device". */
  readonly why: string
  readonly bySeverity: Readonly<Partial<Record<Severity, number>>>
  /** Whether the start of the loss has been told. */
  readonly announced: boolean
  /** The number under which the report was about to be written: if that finding is there, it was. */
  readonly reportedAs: number | null
}

const MAX_WHY = 120

const nothing: Omit<Loss, 'from' | 'to' | 'why'> = {
  count: 0,
  bySeverity: {},
  announced: false,
  reportedAs: null,
}

export function addLoss(loss: Loss | null, finding: Pick<Finding, 'at' | 'severity'>, why: string): Loss {
  const before = loss ?? { ...nothing, from: finding.at }
  return {
    ...before,
    count: before.count + 1,
    to: finding.at,
    why: why.slice(0, MAX_WHY),
    bySeverity: {
      ...before.bySeverity,
      [finding.severity]: (before.bySeverity[finding.severity] ?? 0) + 1,
    },
  }
}

/** Findings that were kept once and cannot be read any more: nothing is known of them but how many. */
export function addMissing(loss: Loss | null, count: number, at: string): Loss {
  const before = loss ?? { ...nothing, from: at }
  return { ...before, count: before.count + count, to: at, why: 'the spool on disk is damaged' }
}

/** Told at once, when the first one is lost. */
export function lossAnnouncement(loss: Loss): NewFinding {
  return {
    ...sensorTrouble,
    reasons: ['spool-full'],
    summary: `findings are being lost since ${loss.from}: ${loss.why}`,
    count: 1,
    details: { why: loss.why, lostFrom: loss.from },
  }
}

/** Told when there is room again: how many, from when to when. */
export function lossReport(loss: Loss): NewFinding {
  return {
    ...sensorTrouble,
    reasons: ['findings-lost'],
    summary: `${loss.count} ${loss.count === 1 ? 'finding was' : 'findings were'} lost from ${loss.from} to ${loss.to}: ${loss.why}`,
    count: loss.count,
    details: { lostFrom: loss.from, lostTo: loss.to, why: loss.why, ...loss.bySeverity },
  }
}

const sensorTrouble = {
  kind: 'trouble',
  source: 'sensor',
  severity: 'critical',
  container: null,
  group: 'sensor/spool',
} as const
