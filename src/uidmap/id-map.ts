/** One line of a user namespace's map: `count` ids from `inside` on are the host's ids from `outside` on. */
export interface IdRange {
  readonly inside: number
  readonly outside: number
  readonly count: number
}

/** All lines of one map. */
export type IdMap = readonly IdRange[]

/** The maps of one user namespace. */
export interface IdMaps {
  readonly uids: IdMap
  readonly gids: IdMap
}

/** The largest id there is; 4294967295 means "none" to the kernel. */
export const LAST_ID = 0xffff_fffe

/** Without remapping every id is itself. */
export const identity: IdMap = [{ inside: 0, outside: 0, count: LAST_ID + 1 }]

export const identityMaps: IdMaps = { uids: identity, gids: identity }

/**
 * Parses `/proc/<pid>/uid_map` or `gid_map` (user_namespaces(7)): three numbers a line.
 * @returns null for anything else
 */
export function parseIdMap(text: string): IdMap | null {
  const ranges: IdRange[] = []
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue
    const [inside, outside, count, ...rest] = line.trim().split(/\s+/).map(Number)
    if (inside === undefined || outside === undefined || count === undefined || rest.length > 0) return null
    if (![inside, outside, count].every(Number.isSafeInteger)) return null
    ranges.push({ inside, outside, count })
  }
  return ranges
}

/** The host's id for a container's; null where the container has no such id. */
export function toHost(map: IdMap, inside: number): number | null {
  const range = map.find((one) => inside >= one.inside && inside < one.inside + one.count)
  return range === undefined ? null : range.outside + (inside - range.inside)
}

/** The container's id for a host's; null where the container cannot name it. */
export function toContainer(map: IdMap, outside: number): number | null {
  const range = map.find((one) => outside >= one.outside && outside < one.outside + one.count)
  return range === undefined ? null : range.inside + (outside - range.outside)
}

/** Whether root of the container is root of the host. */
export function rootIsHostRoot(map: IdMap): boolean {
  return toHost(map, 0) === 0
}

export function sameMap(a: IdMap, b: IdMap): boolean {
  return (
    a.length === b.length &&
    a.every((range, index) => {
      const other = b[index]
      return range.inside === other?.inside && range.outside === other.outside && range.count === other.count
    })
  )
}

/** "0-65535 → 200000-265535", one after the other. */
export function describeMap(map: IdMap): string {
  if (map.length === 0) return 'no ids at all'
  return map
    .map(({ inside, outside, count }) => `${span(inside, count)} → ${span(outside, count)}`)
    .join(', ')
}

function span(first: number, count: number): string {
  return count === 1 ? `${first}` : `${first}-${first + count - 1}`
}
