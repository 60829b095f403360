import { closeSync, readSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseFanotifyEvents, respond } from '../../lib/libc/fanotify.ts'
import { allocate } from '../../lib/libc/library.ts'
import { hasCode } from '../../lib/errors.ts'

const BUFFER_BYTES = 64 * 1024

/**
 * Holds each start of a program that a fanotify group asks about until `look` is through, one after the other; then all go on.
 * Takes the group over: `close` closes it, which lets go whatever still waits.
 * @param look given the process that waits
 */
export function holdStarts(group: number, look: (pid: number) => Promise<void>): { close(): void } {
  const scratch = allocate(4096)
  const state = { open: true }
  void attend()
  return {
    close: () => {
      state.open = false
    },
  }

  async function attend(): Promise<void> {
    const buffer = Buffer.alloc(BUFFER_BYTES)
    try {
      while (state.open) {
        for (const { fd, pid } of parseFanotifyEvents(buffer, readSome(group, buffer))) {
          if (fd < 0) continue
          await look(pid)
          respond(group, fd, true, scratch)
          closeSync(fd)
        }
        await sleep(1)
      }
    } finally {
      closeSync(group)
    }
  }
}

/** 0 where nothing waits. */
export function readSome(fd: number, buffer: Buffer): number {
  try {
    return readSync(fd, buffer)
  } catch (error) {
    if (hasCode(error, 'EAGAIN', 'EINTR')) return 0
    throw error
  }
}
