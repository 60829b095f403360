import { closeSync } from 'node:fs'
import { EVENT, fanotifyInit, fanotifyMark, INIT, MARK } from '../../lib/libc/fanotify.ts'
import { close, O_PATH, openPath } from '../../lib/libc/files.ts'
import { errorText } from '../../lib/libc/library.ts'
import { UserError } from '../../lib/errors.ts'
import { findRuntimes } from '../../sensor/runtimes.ts'
import { unknownContainers } from '../../sensor/verdict/runtime-state.ts'
import { holdStarts } from './hold-starts.ts'

/** Holds every start of the container runtime for a moment, to look whether our container is about to begin. */
export interface Gate {
  close(): void
}

/**
 * From now on no container begins before it was looked for. Each waits a millisecond or two; ours waits until `found`
 * is through, which is before its first instruction.
 * @param found given the process that waits to become the container's first program
 * @throws UserError where the kernel or the user's rights do not allow it
 */
export function openGate(containerId: string, found: (pid: number) => Promise<void>): Gate {
  const group = fanotifyInit(INIT.CLOEXEC | INIT.NONBLOCK | INIT.CLASS_CONTENT)
  if (group < 0) throw cannot(errorText(group))
  const { binaries, stateRoots } = findRuntimes('/proc')
  const marked = binaries.filter((binary) => {
    const fd = openPath(binary, O_PATH)
    const answer = fd < 0 ? fd : fanotifyMark(group, MARK.ADD, EVENT.OPEN_EXEC_PERM, fd)
    close(fd)
    return answer >= 0
  })
  if (marked.length === 0) {
    closeSync(group)
    throw cannot('no container runtime was found on this host')
  }
  let isFound = false
  return holdStarts(group, look)

  async function look(): Promise<void> {
    if (isFound) return
    const [ours] = unknownContainers(stateRoots, (id) => id !== containerId)
    if (ours === undefined) return
    isFound = true
    await found(ours.pid)
  }
}

function cannot(why: string): UserError {
  return new UserError(`cannot trace a container: ${why}`, {
    hint: 'run as root on the host of the engine, or harden without --trace',
  })
}
