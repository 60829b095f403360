import { lstatSync } from 'node:fs'
import { hasCode } from '../../lib/errors.ts'
import type { EngineSocket } from '../facts.ts'
import { entriesOf } from './entries.ts'

const MAX_ENTRIES = 3000
const MAX_DEPTH = 4

/**
 * Engine sockets that lie in a folder under another name: hard links, which no path tells. Bounded, so that a folder
 * of a million files costs no more than one of three thousand; links are not followed.
 * @param place a folder of this machine
 */
export function hardLinkedSockets(
  place: string,
  device: bigint,
  sockets: readonly EngineSocket[],
): EngineSocket[] {
  const candidates = sockets.filter((socket) => socket.device === device)
  const found = new Set<EngineSocket>()
  let left = candidates.length === 0 ? 0 : MAX_ENTRIES
  for (let level = [place], depth = 0; level.length > 0 && depth < MAX_DEPTH; depth++) {
    const below: string[] = []
    for (const folder of level)
      for (const entry of entriesOf(folder)) {
        if (--left < 0) return [...found]
        const path = `${folder}/${entry.name}`
        if (entry.isDirectory()) below.push(path)
        if (entry.isSocket())
          candidates.filter(({ inode }) => inode === inodeOf(path)).forEach((socket) => found.add(socket))
      }
    level = below
  }
  return [...found]
}

function inodeOf(path: string): bigint | null {
  try {
    return lstatSync(path, { bigint: true }).ino
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES')) return null
    throw error
  }
}
