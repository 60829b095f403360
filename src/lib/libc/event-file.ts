import { constants, readSync } from 'node:fs'
import { hasCode } from '../errors.ts'
import { close, openPath } from './files.ts'

const byte = Buffer.alloc(1)
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOATIME

/**
 * Gives `use` a descriptor by which the file of an event can be read: the event's own, or, where overlayfs refuses to read by
 * that one (EIO, seen on 5.10), another of the same file.
 * @param fd of a regular file, of an event
 */
export function withReadable<T>(fd: number, use: (fd: number) => T): T {
  if (canRead(fd)) return use(fd)
  const again = openPath(`/proc/self/fd/${fd}`, FLAGS)
  if (again < 0) return use(fd)
  try {
    return use(again)
  } finally {
    close(again)
  }
}

function canRead(fd: number): boolean {
  try {
    readSync(fd, byte, 0, 1, 0)
    return true
  } catch (error) {
    return !hasCode(error, 'EIO')
  }
}
