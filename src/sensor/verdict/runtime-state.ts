import { closeSync, openSync, readdirSync, readSync } from 'node:fs'
import type { InitProcess } from './messages.ts'

/** runc keeps `state.json`, crun `status`; both are root's own, not the container's. */
const FILES = [
  { name: 'state.json', pidKey: 'init_process_pid' },
  { name: 'status', pidKey: 'pid' },
] as const
const LARGEST_STATE_BYTES = 1 << 20

/**
 * The containers in an OCI runtime's state folders that `isKnown` does not know.
 * @param stateRoots "/run/docker/runtime-runc/moby"; what does not exist is passed over
 */
export function unknownContainers(
  stateRoots: Iterable<string>,
  isKnown: (containerId: string) => boolean,
): InitProcess[] {
  const found: InitProcess[] = []
  for (const root of stateRoots) {
    for (const containerId of list(root)) {
      if (isKnown(containerId)) continue
      const pid = initOf(`${root}/${containerId}`)
      if (pid > 0) found.push({ containerId, pid })
    }
  }
  return found
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** 0 while the runtime has not made the process yet. */
function initOf(folder: string): number {
  for (const { name, pidKey } of FILES) {
    const state = parseState(readBounded(`${folder}/${name}`))
    const pid = state?.[pidKey]
    if (typeof pid === 'number' && Number.isSafeInteger(pid)) return pid
  }
  return 0
}

function parseState(text: string | null): Readonly<Record<string, unknown>> | null {
  if (text === null) return null
  try {
    const state: unknown = JSON.parse(text)
    return typeof state === 'object' && state !== null ? (state as Record<string, unknown>) : null
  } catch {
    return null
  }
}

function readBounded(path: string): string | null {
  let fd
  try {
    fd = openSync(path, 'r')
  } catch {
    return null
  }
  try {
    const bytes = Buffer.alloc(LARGEST_STATE_BYTES)
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, 0))
  } catch {
    return null
  } finally {
    closeSync(fd)
  }
}
