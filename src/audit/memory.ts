import { type Baseline, compare, isFinding, isRecord, keyOf } from './baseline.ts'
import type { Finding } from './check.ts'
import { isFailure } from './run.ts'

/** What the last audit of an engine knew: the next one tells what is worse, once. */
export interface Memory {
  readonly version: 1
  readonly engine: string
  readonly at: string
  readonly findings: readonly Remembered[]
}

type Remembered = Baseline[number] & { readonly seenAt: string }

/** A container or image that is gone for this long is forgotten: back after that, it is new. */
const FORGET_AFTER_MS = 30 * 86_400_000
/** Of those that are gone, the ones that were there last: names without end must not fill the disk. */
const MOST_KEPT = 5000
const COMES_AND_GOES = new Set<string>(['container', 'image'])

/**
 * Compares an audit with what is remembered, and learns from it. What was mended is forgotten, so that a relapse is
 * news. What is only away is not, so that a container that is made anew each night is not news each morning.
 * @param memory null: nothing is known yet, and nothing is worse
 */
export function learn(
  memory: Memory | null,
  findings: readonly Finding[],
  { engine, at }: { readonly engine: string; readonly at: Date },
): { readonly memory: Memory; readonly worse: readonly Finding[] } {
  const seenAt = at.toISOString()
  const failing = findings
    .filter(isFailure)
    .map(({ id, status, severity, subject, details }): Remembered => ({
      id,
      status,
      severity,
      subject,
      details,
      seenAt,
    }))
  const judged = new Set(findings.map(({ subject }) => `${subject.kind} ${subject.name}`))
  const seen = new Set(failing.map(keyOf))
  // What could not be looked at this time is neither mended nor gone.
  const blind = new Set(findings.filter(({ status }) => status === 'unknown').map(({ id }) => id))
  const known = (memory?.findings ?? []).filter((one) => {
    if (seen.has(keyOf(one))) return false
    if (blind.has(one.id)) return true
    const away =
      COMES_AND_GOES.has(one.subject.kind) && !judged.has(`${one.subject.kind} ${one.subject.name}`)
    return away && at.getTime() - Date.parse(one.seenAt) < FORGET_AFTER_MS
  })
  const kept = known.sort((one, other) => (one.seenAt < other.seenAt ? 1 : -1)).slice(0, MOST_KEPT)
  return {
    memory: { version: 1, engine, at: seenAt, findings: [...failing, ...kept] },
    worse: memory === null ? [] : compare(memory.findings, findings).worse,
  }
}

/** @returns null when the text is not what was kept */
export function parseMemory(text: string): Memory | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  const isMemory =
    isRecord(value) &&
    value['version'] === 1 &&
    typeof value['engine'] === 'string' &&
    typeof value['at'] === 'string' &&
    Array.isArray(value['findings']) &&
    value['findings'].every((each) => isFinding(each) && 'seenAt' in each && typeof each.seenAt === 'string')
  return isMemory ? (value as object as Memory) : null
}
