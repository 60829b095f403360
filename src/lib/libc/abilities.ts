import { allocate, declare } from './library.ts'

/*
 * Calls that only ask whether the kernel can do a thing, for `paddock doctor`. Each gives what the kernel gives: a
 * descriptor or 0, or minus the error number. Numbers as in include/uapi/linux/{fanotify,connector,cn_proc,timex}.h.
 */

const fanotifyInit = declare('fanotify_init', 'int', ['uint', 'uint'])
const fanotifyMark = declare('fanotify_mark', 'int', ['int', 'uint', 'ulong', 'int', 'address'])
const socket = declare('socket', 'int', ['int', 'int', 'int'])
const bind = declare('bind', 'int', ['int', 'address', 'uint'])
const send = declare('send', 'long', ['int', 'address', 'ulong', 'int'])
const recv = declare('recv', 'long', ['int', 'address', 'ulong', 'int'])
const write = declare('write', 'long', ['int', 'address', 'ulong'])
const read = declare('read', 'long', ['int', 'address', 'ulong'])
const adjtimex = declare('adjtimex', 'int', ['address'])

const AT_FDCWD = -100
const O_LARGEFILE_CLOEXEC = 0o2100000

export type GroupKind = 'descriptor' | 'permission' | 'names'
const GROUPS: Readonly<Record<GroupKind, number>> = {
  descriptor: 0x3,
  permission: 0x7,
  names: 0x3 | 0x400 | 0x800,
}

export type MarkKind = 'filesystem' | 'mount' | 'folder' | 'ignore' | 'evictable'
const MARKS: Readonly<Record<MarkKind, number>> = {
  filesystem: 0x101,
  mount: 0x11,
  folder: 0x1,
  ignore: 0x21,
  evictable: 0x221,
}

export const FAN = {
  CLOSE_WRITE: 0x8,
  CREATE: 0x100,
  OPEN_EXEC: 0x1000,
  OPEN_EXEC_PERM: 0x40000,
  EVENT_ON_CHILD: 0x8000000,
} as const

/** A fanotify group that never waits: its descriptor, or minus the error number. */
export function probeGroup(kind: GroupKind): number {
  return fanotifyInit(GROUPS[kind], O_LARGEFILE_CLOEXEC)
}

export function probeMark(group: number, kind: MarkKind, mask: number, path: string): number {
  const memory = allocate(4096)
  memory.bytes[memory.bytes.write(path)] = 0
  return fanotifyMark(group, MARKS[kind], mask, AT_FDCWD, memory.address)
}

/** The events that wait in a group: what happened, and a descriptor where it has one. Never waits itself. */
export function probeEvents(group: number): { readonly mask: number; readonly fd: number }[] {
  const memory = allocate(16_384)
  const length = read(group, memory.address, memory.bytes.length)
  const events: { mask: number; fd: number }[] = []
  for (let at = 0; at + 24 <= length; at += memory.bytes.readUInt32LE(at))
    events.push({ mask: Number(memory.bytes.readBigUInt64LE(at + 8)), fd: memory.bytes.readInt32LE(at + 16) })
  return events
}

export function probeAnswer(group: number, fd: number, allow: boolean): number {
  const memory = allocate(4096)
  memory.bytes.writeInt32LE(fd, 0)
  memory.bytes.writeUInt32LE(allow ? 1 : 2, 4)
  return write(group, memory.address, 8)
}

/** A socket that hears of every process: its descriptor, or minus the error number. */
export function probeProcessConnector(): number {
  const fd = socket(16, 2 | 0o4000 | 0o2000000, 11)
  if (fd < 0) return fd
  const memory = allocate(4096)
  memory.bytes.fill(0)
  memory.bytes.writeUInt16LE(16, 0)
  memory.bytes.writeUInt32LE(1, 8)
  const bound = bind(fd, memory.address, 12)
  if (bound < 0) return bound
  // struct nlmsghdr, struct cn_msg {idx 1, val 1}, PROC_CN_MCAST_LISTEN.
  memory.bytes.fill(0)
  memory.bytes.writeUInt32LE(40, 0)
  memory.bytes.writeUInt16LE(3, 4)
  memory.bytes.writeUInt32LE(1, 16)
  memory.bytes.writeUInt32LE(1, 20)
  memory.bytes.writeUInt16LE(4, 32)
  memory.bytes.writeUInt32LE(1, 36)
  const sent = send(fd, memory.address, 40, 0)
  return sent < 0 ? sent : fd
}

/** Whether an exec was reported on that socket since the last look. */
export function probeExecReported(fd: number): boolean {
  const memory = allocate(8192)
  for (
    let length = recv(fd, memory.address, 8192, 0o100);
    length > 0;
    length = recv(fd, memory.address, 8192, 0o100)
  )
    // struct proc_event.what behind nlmsghdr (16) and cn_msg (20): PROC_EVENT_EXEC.
    if (length >= 40 && memory.bytes.readUInt32LE(36) === 2) return true
  return false
}

/** Whether the kernel takes its clock for synchronised (adjtimex(2) without changing anything). */
export function clockSynchronised(): boolean {
  const memory = allocate(4096)
  memory.bytes.fill(0)
  return adjtimex(memory.address) !== 5
}
