import { closeSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fanotifyInit, fanotifyMark, INIT, MARK, parseFanotifyEvents } from '../../lib/libc/fanotify.ts'
import { close, O_PATH, openPath } from '../../lib/libc/files.ts'
import { type BoundedPaths, boundedPaths } from './bounded-paths.ts'
import { readSome } from './hold-starts.ts'

/** Opened for reading or writing, folders too, and executed (linux/fanotify.h). */
const MASK = 0x20 | 0x1000 | 0x40000000
const IGNORED_SURVIVES_WRITE = 0x40
const PAUSE_MS = 5
const BUFFER_BYTES = 256 * 1024
const MOST_PATH_BYTES = 64 * 1024 * 1024
/** Each holds an inode in the kernel's memory. */
const MOST_MARKS = 200_000

/** What is opened and executed on a container's own file system, by whatever process. */
export interface Opened {
  /** Reads what still waits, and ends. @returns paths as bytes (latin1), as the kernel names them */
  end(): Promise<BoundedPaths>
}

/** Watches the file system that a process has as its root. @returns null where the kernel refuses */
export function watchOpened(pid: number): Opened | null {
  const group = fanotifyInit(INIT.CLOEXEC | INIT.NONBLOCK | INIT.UNLIMITED_QUEUE | INIT.UNLIMITED_MARKS)
  if (group < 0) return null
  const root = openPath(`/proc/${pid}/root`, O_PATH)
  const answer = root < 0 ? root : fanotifyMark(group, MARK.ADD | MARK.FILESYSTEM, MASK, root)
  close(root)
  if (answer < 0) {
    closeSync(group)
    return null
  }
  const seen = boundedPaths({ bytes: MOST_PATH_BYTES })
  let marks = 0
  const buffer = Buffer.alloc(BUFFER_BYTES)
  const state = { open: true }
  const finished = attend()
  return {
    async end() {
      state.open = false
      await finished
      return seen
    },
  }

  async function attend(): Promise<void> {
    while (state.open) {
      drain()
      await sleep(PAUSE_MS)
    }
    drain()
    closeSync(group)
  }

  function drain(): void {
    for (let length = readSome(group, buffer); length > 0; length = readSome(group, buffer)) {
      for (const { fd } of parseFanotifyEvents(buffer, length)) if (fd >= 0) note(fd)
    }
  }

  function note(fd: number): void {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`, 'latin1')
      if (path.startsWith('/') && !path.endsWith(' (deleted)')) seen.add(path)
      // Once is enough: a library that a thousand processes load is told a single time.
      if (marks++ < MOST_MARKS)
        fanotifyMark(group, MARK.ADD | MARK.IGNORED_MASK | IGNORED_SURVIVES_WRITE, MASK, fd)
    } finally {
      closeSync(fd)
    }
  }
}
