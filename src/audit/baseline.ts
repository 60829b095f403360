import { UserError } from '../lib/errors.ts'
import { type Finding, severityRank } from './check.ts'
import { isFailure } from './run.ts'

/** What an earlier audit already knew, as read from its JSON. */
export type Baseline = readonly Pick<Finding, 'id' | 'status' | 'severity' | 'subject' | 'details'>[]

export interface Comparison {
  /** Failures that the baseline did not have, or had milder, or with fewer details. */
  readonly worse: readonly Finding[]
  /** Failures of the baseline that are gone. */
  readonly mended: Baseline
}

/** What got worse and what was mended since. Evidence is not compared: it holds ages and process ids. */
export function compare(baseline: Baseline, now: readonly Finding[]): Comparison {
  const known = new Map<string, Baseline[number][]>()
  for (const finding of baseline.filter(isFailure))
    known.set(keyOf(finding), [...(known.get(keyOf(finding)) ?? []), finding])
  const worse = now.filter(isFailure).filter((finding) => {
    const before = known.get(keyOf(finding)) ?? []
    const details = new Set(before.flatMap((each) => each.details))
    const severity = Math.max(-1, ...before.map((each) => severityRank(each.severity)))
    return severityRank(finding.severity) > severity || finding.details.some((each) => !details.has(each))
  })
  const failing = new Set(now.filter(({ status }) => status === 'fail').map(keyOf))
  // What could not be looked at this time, for one or for all, is not mended.
  const blind = new Set(now.filter(({ status }) => status === 'unknown').map(({ id }) => id))
  const mended = baseline
    .filter(isFailure)
    .filter((finding) => !failing.has(keyOf(finding)) && !blind.has(finding.id))
  return { worse, mended }
}

/** Reads the JSON that `paddock audit --json` printed. @throws UserError when it is none */
export function parseBaseline(text: string, file: string): Baseline {
  const wrong = (why: string): UserError =>
    new UserError(`cannot use ${file} as a baseline: ${why}`, {
      hint: `make one with 'paddock audit --json > ${file}'`,
    })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw wrong('it is not JSON')
  }
  if (!isRecord(value) || value['version'] !== 1 || !Array.isArray(value['findings']))
    throw wrong('it is not the output of paddock audit --json')
  return value['findings'].map((each: unknown) => {
    if (!isFinding(each)) throw wrong('one of its findings is incomplete')
    return each
  })
}

/** What two audits have in common of one finding. */
export function keyOf({ id, subject }: Pick<Finding, 'id' | 'subject'>): string {
  return `${id} ${subject.kind} ${subject.name}`
}

export function isFinding(value: unknown): value is Baseline[number] {
  return (
    isRecord(value) &&
    typeof value['id'] === 'string' &&
    ['pass', 'fail', 'unknown'].includes(String(value['status'])) &&
    ['info', 'low', 'medium', 'high', 'critical'].includes(String(value['severity'])) &&
    isRecord(value['subject']) &&
    typeof value['subject']['kind'] === 'string' &&
    typeof value['subject']['name'] === 'string' &&
    Array.isArray(value['details']) &&
    value['details'].every((each) => typeof each === 'string')
  )
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
