import { readFileSync } from 'node:fs'

/** User and group ids as the container's own processes see them. */
export interface Ids {
  readonly users: readonly number[]
  readonly groups: readonly number[]
}

/** Of one thread, from `/proc`; null when it is gone. */
export function idsOf(tid: number): Ids | null {
  try {
    const status = readFileSync(`/proc/${tid}/status`, 'latin1')
    const numbers = (key: string) =>
      (new RegExp(`^${key}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '')
        .split(/\s+/)
        .filter((word) => word !== '')
        .map(Number)
    const users = inside(numbers('Uid'), readFileSync(`/proc/${tid}/uid_map`, 'latin1'))
    // Not those it has beside (Groups): engines take them from the image's own list, and a file's group is known anyhow.
    const groups = inside(numbers('Gid'), readFileSync(`/proc/${tid}/gid_map`, 'latin1'))
    return { users, groups }
  } catch {
    return null
  }
}

/** By user_namespaces(7): "inside outside length" a line. */
function inside(ids: readonly number[], map: string): number[] {
  const ranges = map
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
  return ids.flatMap((id) => {
    const range = ranges.find(([, outside = 0, length = 0]) => id >= outside && id < outside + length)
    return range === undefined ? [] : [id - (range[1] ?? 0) + (range[0] ?? 0)]
  })
}
