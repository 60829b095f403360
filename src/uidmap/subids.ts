import type { IdMap } from './id-map.ts'
import { LAST_ID } from './id-map.ts'

/** One usable line of /etc/subuid or /etc/subgid: `owner` may hand out `count` ids from `start` on. */
export interface SubIds {
  /** A user's name or its uid in digits. */
  readonly owner: string
  readonly start: number
  readonly count: number
  /** From 1. */
  readonly line: number
}

/** A line that is no range, and why: the engine refuses to start, or other tools read it otherwise. */
export interface BadLine {
  readonly line: number
  readonly text: string
  readonly why: string
}

/**
 * How many lines of one user count: Docker's documented limit, which was the kernel's for `uid_map`
 * (five lines before Linux 4.15, user_namespaces(7)).
 */
export const LINE_LIMIT = 5

/**
 * Parses subuid(5): NAME:START:COUNT; blank lines and lines that begin with "#" are skipped, as Docker does
 * (moby, `parseSubidFile`).
 */
export function parseSubIds(text: string): { ranges: SubIds[]; bad: BadLine[] } {
  const ranges: SubIds[] = []
  const bad: BadLine[] = []
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const parsed = parseLine(line)
    if (typeof parsed === 'string') bad.push({ line: index + 1, text: line, why: parsed })
    else ranges.push({ ...parsed, line: index + 1 })
  }
  return { ranges, bad }
}

function parseLine(line: string): Omit<SubIds, 'line'> | string {
  const [owner = '', start = '', count = '', ...rest] = line.split(':')
  if (owner === '' || count === '' || rest.length > 0) return 'it is not NAME:START:COUNT'
  if (!/^-?\d+$/.test(start)) return `the start '${start}' is no number`
  if (!/^-?\d+$/.test(count)) return `the count '${count}' is no number`
  const problem = rangeProblem(Number(start), Number(count))
  return problem ?? { owner, start: Number(start), count: Number(count) }
}

/** Why `count` ids from `start` on are no range of ids; null when they are. */
export function rangeProblem(start: number, count: number): string | null {
  if (count < 0) return `the range runs backwards (count ${count})`
  if (count === 0) return 'the range is empty (count 0)'
  if (start < 0) return `the range begins below 0 (at ${start})`
  if (start + count - 1 > LAST_ID)
    return `the range ends at ${start + count - 1}, and the last id is ${LAST_ID}`
  return null
}

/** "200000-265535" */
export function describeRange(range: { start: number; count: number }): string {
  return `${range.start}-${range.start + range.count - 1}`
}

export function overlap(a: { start: number; count: number }, b: { start: number; count: number }): boolean {
  return a.start < b.start + b.count && b.start < a.start + a.count
}

/** The lines of one user, in the order in which Docker takes them: those by name, then those by uid. */
export function rangesOf(ranges: readonly SubIds[], name: string, uid: number | null): SubIds[] {
  const byName = ranges.filter(({ owner }) => owner === name)
  const byUid = uid === null ? [] : ranges.filter(({ owner }) => owner === String(uid))
  return [...byName, ...byUid]
}

/** The map that Docker makes of a user's lines: one behind the other, from id 0 of the container on. */
export function mapOf(ranges: readonly SubIds[]): IdMap {
  let inside = 0
  return ranges.map(({ start, count }) => {
    const range = { inside, outside: start, count }
    inside += count
    return range
  })
}
