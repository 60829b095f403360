import { type Account, type Group, isMappedAccount, isMappedGroup } from './accounts.ts'
import { type IdMap, LAST_ID } from './id-map.ts'
import type { Obstacle } from './obstacle.ts'
import {
  describeRange,
  LINE_LIMIT,
  mapOf,
  overlap,
  parseSubIds,
  rangeProblem,
  rangesOf,
  type SubIds,
} from './subids.ts'

/** What is known of one of the two files, and of the ids of that kind that the machine uses itself. */
export interface RangeFile {
  /** "/etc/subuid" */
  readonly path: string
  readonly ranges: readonly SubIds[]
  readonly bad: readonly Obstacle[]
  /** Users or groups of the machine. */
  readonly taken: readonly { readonly what: string; readonly id: number }[]
}

/** The ids that the machine's own users and services live in; systemd's dynamic users end at 65519. */
const FIRST_FREE_ID = 65536
export const DEFAULT_BASE = 200_000
export const DEFAULT_SIZE = 65_536

export function subuidFile(text: string | null, accounts: readonly Account[]): RangeFile {
  const own = accounts.filter((account) => !isMappedAccount(account))
  return rangeFile(
    '/etc/subuid',
    text,
    own.map(({ name, uid }) => ({ what: `user '${name}'`, id: uid })),
  )
}

export function subgidFile(text: string | null, groups: readonly Group[]): RangeFile {
  const own = groups.filter((group) => !isMappedGroup(group))
  return rangeFile(
    '/etc/subgid',
    text,
    own.map(({ name, gid }) => ({ what: `group '${name}'`, id: gid })),
  )
}

function rangeFile(path: string, text: string | null, taken: RangeFile['taken']): RangeFile {
  const { ranges, bad } = parseSubIds(text ?? '')
  return {
    path,
    ranges,
    taken,
    bad: bad.map(({ line, text: shown, why }) => ({
      problem: `cannot use ${path}: line ${line} ('${shown}'): ${why}`,
      hint: 'correct the line or take it out; the engine may not start with it either',
    })),
  }
}

/** What one user's ranges are to be in one file. */
export interface RangePlan {
  readonly map: IdMap
  /** Null where the user has its ranges already. */
  readonly line: string | null
  readonly obstacles: readonly Obstacle[]
}

/**
 * @param uid of the user, where it exists
 * @param asked what `--base` and `--size` say
 * @param base where a new range is to begin
 */
export function planRange(
  file: RangeFile,
  user: { readonly name: string; readonly uid: number | null },
  asked: { readonly base: number | null; readonly size: number | null },
  base: number,
): RangePlan {
  const present = rangesOf(file.ranges, user.name, user.uid)
  if (present.length > 0) {
    const obstacles = [
      ...present.flatMap((range) => collisions(file, range)),
      ...presentProblems(file, user.name, present, asked),
    ]
    return { map: mapOf(present), line: null, obstacles }
  }
  const range = { start: base, count: asked.size ?? DEFAULT_SIZE }
  const problem = rangeProblem(range.start, range.count)
  if (problem !== null)
    return {
      map: [],
      line: null,
      obstacles: [
        { problem: `cannot map to that range: ${problem}`, hint: 'choose another --base and --size' },
      ],
    }
  const wanted: SubIds = { ...range, owner: user.name, line: 0 }
  return {
    map: mapOf([wanted]),
    line: `${user.name}:${range.start}:${range.count}`,
    obstacles: collisions(file, wanted),
  }
}

/** The first range of that size, from 200000 on, that is free in every file. */
export function freeBase(files: readonly RangeFile[], size: number): number {
  for (let base = DEFAULT_BASE; base + size - 1 <= LAST_ID; base += 100_000) {
    const range: SubIds = { start: base, count: size, owner: '', line: 0 }
    if (files.every((file) => collisions(file, range).length === 0)) return base
  }
  return DEFAULT_BASE
}

function presentProblems(
  { path }: RangeFile,
  name: string,
  present: readonly SubIds[],
  asked: { readonly base: number | null; readonly size: number | null },
): Obstacle[] {
  const obstacles: Obstacle[] = []
  if (present.length > LINE_LIMIT)
    obstacles.push({
      problem: `cannot use ${path}: '${name}' has ${present.length} lines, and only the first ${LINE_LIMIT} count`,
      hint: 'take lines out, or make one range of them',
    })
  const [first] = present
  const size = present.reduce((sum, { count }) => sum + count, 0)
  if (first !== undefined && ((asked.base ?? first.start) !== first.start || (asked.size ?? size) !== size))
    obstacles.push({
      problem: `cannot give '${name}' that range: ${path} gives it ${present.map(describeRange).join(', ')} already`,
      hint: `leave --base and --size out to use it, or take line ${first.line} out`,
    })
  return obstacles
}

/** What a range must not share an id with. */
function collisions({ path, ranges, taken }: RangeFile, range: SubIds): Obstacle[] {
  const shown = describeRange(range)
  const obstacles: Obstacle[] = []
  const hint = range.line === 0 ? 'choose another --base' : `change line ${range.line} of ${path}`
  if (range.start < FIRST_FREE_ID)
    obstacles.push({
      problem: `cannot map to ${shown}: the ids below ${FIRST_FREE_ID} are the machine's own users and services`,
      hint,
    })
  const other = ranges.find((one) => one.line !== range.line && overlap(one, range))
  if (other !== undefined)
    obstacles.push({
      problem: `cannot map to ${shown}: it overlaps ${describeRange(other)} of '${other.owner}' (${path}, line ${other.line})`,
      hint,
    })
  const member = taken.find(({ id }) => overlap({ start: id, count: 1 }, range))
  if (member !== undefined && range.start >= FIRST_FREE_ID)
    obstacles.push({
      problem: `cannot map to ${shown}: ${member.what} of this machine has id ${member.id}`,
      hint,
    })
  return obstacles
}
