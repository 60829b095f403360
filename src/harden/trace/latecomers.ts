import { closeSync, readFileSync } from 'node:fs'
import { EVENT, fanotifyInit, fanotifyMark, INIT, MARK } from '../../lib/libc/fanotify.ts'
import { close, O_PATH, openPath } from '../../lib/libc/files.ts'
import { holdStarts } from './hold-starts.ts'

/** Each takes a thread. What comes later is seen by what it opens only. */
const MOST = 64

/**
 * Processes that the engine starts in a running container, as health checks and `docker exec`, are no children of its first:
 * each is held at its first program until `found` is through.
 * @returns what ends it; null where the kernel refuses
 */
export function watchLatecomers(
  pid: number,
  found: (pid: number) => Promise<unknown>,
): { close(): void } | null {
  const group = fanotifyInit(INIT.CLOEXEC | INIT.NONBLOCK | INIT.CLASS_CONTENT)
  if (group < 0) return null
  const root = openPath(`/proc/${pid}/root`, O_PATH)
  const answer = root < 0 ? root : fanotifyMark(group, MARK.ADD | MARK.FILESYSTEM, EVENT.OPEN_EXEC_PERM, root)
  close(root)
  if (answer < 0) {
    closeSync(group)
    return null
  }
  let left = MOST
  return holdStarts(group, async (waiting) => {
    if (left === 0 || !isUntraced(waiting)) return
    left--
    await found(waiting)
  })
}

function isUntraced(pid: number): boolean {
  try {
    return /^TracerPid:\t0$/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'))
  } catch {
    return false
  }
}
