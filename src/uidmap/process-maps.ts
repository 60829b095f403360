import { readFileSync } from 'node:fs'
import { hasCode } from '../lib/errors.ts'
import { type IdMaps, parseIdMap } from './id-map.ts'

/** The id maps of a process, as the kernel has them; null when it is gone. */
export function mapsOfProcess(pid: number): IdMaps | null {
  const uids = readMap(`/proc/${pid}/uid_map`)
  const gids = readMap(`/proc/${pid}/gid_map`)
  return uids === null || gids === null ? null : { uids, gids }
}

function readMap(file: string): IdMaps['uids'] | null {
  try {
    const map = parseIdMap(readFileSync(file, 'latin1'))
    // Between clone and the writing of the map it is empty, and so it is for a process that has ended.
    return map === null || map.length === 0 ? null : map
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES')) return null
    throw error
  }
}
