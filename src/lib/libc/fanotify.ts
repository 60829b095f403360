import { allocate, declare, type Memory } from './library.ts'

/*
 * fanotify, as include/uapi/linux/fanotify.h has it. Two kinds of groups: one whose events carry an open descriptor (and may
 * ask permission), and one whose events carry a directory's file handle and a name (FID). The kernel does not let a group be both.
 */

const init = declare('fanotify_init', 'int', ['uint', 'uint'])
const markC = declare('fanotify_mark', 'int', ['int', 'uint', 'ulong', 'int', 'address'])

export const INIT = {
  CLOEXEC: 0x1,
  NONBLOCK: 0x2,
  /** Events may ask permission; descriptors are of the content before it is used. */
  CLASS_CONTENT: 0x4,
  UNLIMITED_QUEUE: 0x10,
  UNLIMITED_MARKS: 0x20,
  /** Events carry the thread's id in place of the process's (4.20). */
  REPORT_TID: 0x100,
  REPORT_DIR_FID: 0x400,
  REPORT_NAME: 0x800,
} as const

export const MARK = {
  ADD: 0x1,
  REMOVE: 0x2,
  DONT_FOLLOW: 0x4,
  ONLYDIR: 0x8,
  MOUNT: 0x10,
  IGNORED_MASK: 0x20,
  FILESYSTEM: 0x100,
  /** The mark does not pin the inode (5.19). */
  EVICTABLE: 0x200,
} as const

export const EVENT = {
  ATTRIB: 0x4,
  CLOSE_WRITE: 0x8,
  MOVED_FROM: 0x40,
  MOVED_TO: 0x80,
  CREATE: 0x100,
  DELETE: 0x200,
  OPEN_EXEC: 0x1000,
  Q_OVERFLOW: 0x4000,
  OPEN_EXEC_PERM: 0x40000,
  EVENT_ON_CHILD: 0x8000000,
  ONDIR: 0x40000000,
} as const

const EVENT_F_FLAGS = 0o0 | 0o100000 | 0o2000000 | 0o1000000 // O_RDONLY | O_LARGEFILE | O_CLOEXEC | O_NOATIME

/** @returns the group's descriptor, or minus the error number */
export function fanotifyInit(flags: number): number {
  return init(flags, EVENT_F_FLAGS)
}

const AT_FDCWD = -100
const path = allocate(4096)

/**
 * Puts or takes a mark on what an open descriptor refers to. By way of /proc, for the call itself takes no `O_PATH` one.
 * @returns 0, or minus the error number
 */
export function fanotifyMark(group: number, flags: number, mask: number, fd: number): number {
  path.bytes[path.bytes.write(`/proc/self/fd/${fd}`, 0, 'latin1')] = 0
  return markC(group, flags, mask, AT_FDCWD, path.address)
}

/** The head of every event: 24 bytes (struct fanotify_event_metadata). */
export interface FanotifyEvent {
  readonly mask: number
  /** Open, to be closed by who reads the event; negative where the group or event has none. */
  readonly fd: number
  readonly pid: number
  /** Where the event's further records lie in the buffer. */
  readonly infoStart: number
  readonly end: number
}

const METADATA_BYTES = 24
const METADATA_VERSION = 3

/** Parses what `read` gave. Bytes that are no event end it: the kernel wrote them, so nothing follows either. */
export function parseFanotifyEvents(bytes: Buffer, length: number): FanotifyEvent[] {
  const events: FanotifyEvent[] = []
  let at = 0
  while (at + METADATA_BYTES <= length) {
    const size = bytes.readUInt32LE(at)
    const metadataBytes = bytes.readUInt16LE(at + 6)
    if (bytes[at + 4] !== METADATA_VERSION || size < METADATA_BYTES || at + size > length) break
    events.push({
      mask: Number(bytes.readBigUInt64LE(at + 8)),
      fd: bytes.readInt32LE(at + 16),
      pid: bytes.readInt32LE(at + 20),
      infoStart: at + metadataBytes,
      end: at + size,
    })
    at += size
  }
  return events
}

/** What a FID event tells: in which directory, by file handle, and under which name. */
export interface FanotifyName {
  /** Bytes of struct file_handle as a latin1 string: a key, equal for equal directories of one file system. */
  readonly handle: string
  /** latin1; "." for the directory itself. */
  readonly name: string
}

const INFO_TYPE_DFID_NAME = 2

/** The directory and name of one event of a `REPORT_DIR_FID | REPORT_NAME` group; null where it has none. */
export function parseFanotifyName(bytes: Buffer, event: FanotifyEvent): FanotifyName | null {
  let at = event.infoStart
  while (at + 4 <= event.end) {
    const type = bytes[at]
    const size = bytes.readUInt16LE(at + 2)
    if (size < 4 || at + size > event.end) return null
    // struct fanotify_event_info_fid: header (4), fsid (8), file_handle {bytes u32, type i32, data}, then the name.
    if (type === INFO_TYPE_DFID_NAME && size >= 20) {
      const handleEnd = at + 20 + bytes.readUInt32LE(at + 12)
      if (handleEnd > at + size) return null
      const nul = bytes.indexOf(0, handleEnd)
      const nameEnd = nul === -1 || nul > at + size ? at + size : nul
      return {
        handle: bytes.toString('latin1', at + 12, handleEnd),
        name: bytes.toString('latin1', handleEnd, nameEnd),
      }
    }
    at += size
  }
  return null
}

const FAN_ALLOW = 1
const FAN_DENY = 2
const writeC = declare('write', 'long', ['int', 'address', 'ulong'])

/** Answers a permission event: what waits in `execve` goes on, or fails with EPERM. */
export function respond(group: number, fd: number, allow: boolean, scratch: Memory): number {
  scratch.bytes.writeInt32LE(fd, 0)
  scratch.bytes.writeUInt32LE(allow ? FAN_ALLOW : FAN_DENY, 4)
  return writeC(group, scratch.address, 8)
}
