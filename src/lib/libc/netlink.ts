import { closeSync } from 'node:fs'
import { allocate, declare } from './library.ts'
import {
  COPY,
  type Instruction,
  JUMP_IF_EQUAL,
  JUMP_IF_SAME,
  LOAD,
  packetFilter,
  RETURN,
} from './packet-filter.ts'

/*
 * The process connector (include/uapi/linux/cn_proc.h): the kernel tells of every fork, execution, change of user and exit on
 * the host. It needs CAP_NET_ADMIN and the first user and process-id namespaces.
 */

const socket = declare('socket', 'int', ['int', 'int', 'int'])
const bind = declare('bind', 'int', ['int', 'address', 'uint'])
const send = declare('send', 'long', ['int', 'address', 'ulong', 'int'])
const setsockopt = declare('setsockopt', 'int', ['int', 'int', 'int', 'address', 'uint'])

const AF_NETLINK = 16
const SOCK_DGRAM_CLOEXEC_NONBLOCK = 2 | 0o2000000 | 0o4000
const NETLINK_CONNECTOR = 11
const CN_IDX_PROC = 1
const CN_VAL_PROC = 1
const PROC_CN_MCAST_LISTEN = 1
const SOL_SOCKET = 1
const SO_ATTACH_FILTER = 26
const SO_RCVBUFFORCE = 33
const RECEIVE_BYTES = 8 << 20
const NLMSG_DONE = 3
const HEADER_BYTES = 16
const CONNECTOR_BYTES = 20

const SOCK_FPROG_BYTES = 16
// Where they lie in a datagram: struct nlmsghdr (16), struct cn_msg (20), struct proc_event {what, cpu, timestamp, data}.
const WHAT_AT = HEADER_BYTES + CONNECTOR_BYTES
const DATA_AT = WHAT_AT + 16

export type ProcessEventKind = ProcessEvent['what']

/**
 * @param kinds what it tells of: the kernel wakes nobody for the rest, nor for threads that start and end
 * @returns a descriptor that never waits, or minus the error number
 */
export function openProcessConnector(
  kinds: readonly ProcessEventKind[] = ['fork', 'exec', 'user', 'exit'],
): number {
  const fd = socket(AF_NETLINK, SOCK_DGRAM_CLOEXEC_NONBLOCK, NETLINK_CONNECTOR)
  if (fd < 0) return fd
  const filter = packetFilter(kinds.flatMap((kind) => accept(kind)).concat([[RETURN, 0, 0, 0]]))
  const filtered = setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, filter.address, SOCK_FPROG_BYTES)
  if (filtered < 0) {
    closeSync(fd)
    return filtered
  }
  const { bytes, address } = allocate(4096)
  bytes.fill(0, 0, 128)
  bytes.writeUInt32LE(RECEIVE_BYTES, 0)
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, address, 4)
  bytes.fill(0, 0, 128)
  bytes.writeUInt16LE(AF_NETLINK, 0)
  bytes.writeUInt32LE(CN_IDX_PROC, 8)
  const bound = bind(fd, address, 12)
  if (bound < 0) {
    closeSync(fd)
    return bound
  }
  const total = HEADER_BYTES + CONNECTOR_BYTES + 4
  bytes.fill(0, 0, 128)
  bytes.writeUInt32LE(total, 0)
  bytes.writeUInt16LE(NLMSG_DONE, 4)
  bytes.writeUInt32LE(process.pid, 12)
  bytes.writeUInt32LE(CN_IDX_PROC, 16)
  bytes.writeUInt32LE(CN_VAL_PROC, 20)
  bytes.writeUInt16LE(4, 32)
  bytes.writeUInt32LE(PROC_CN_MCAST_LISTEN, 36)
  const sent = send(fd, address, total, 0)
  if (sent >= 0) return fd
  closeSync(fd)
  return sent
}

/** `at` is when it happened, in nanoseconds since the machine was started. */
export type ProcessEvent = { readonly pid: number; readonly at: number } & (
  { readonly what: 'fork'; readonly parentPid: number } | { readonly what: 'exec' | 'exit' | 'user' }
)

const FORK = 0x1
const EXEC = 0x2
const UID = 0x4
const EXIT = 0x80000000
const WHAT: Readonly<Record<ProcessEventKind, number>> = { fork: FORK, exec: EXEC, user: UID, exit: EXIT }
/** Where thread and process of the data are equal for a whole process. */
const WHOLE_AT: Readonly<Partial<Record<ProcessEventKind, number>>> = { fork: DATA_AT + 8, exit: DATA_AT }

const ALL_BYTES = 0xffffffff

function accept(kind: ProcessEventKind): readonly Instruction[] {
  const whole = WHOLE_AT[kind]
  const take: Instruction = [RETURN, 0, 0, ALL_BYTES]
  const checked: readonly Instruction[] =
    whole === undefined
      ? [take]
      : [[LOAD, 0, 0, whole], [COPY, 0, 0, 0], [LOAD, 0, 0, whole + 4], [JUMP_IF_SAME, 0, 1, 0], take]
  const swapped = Buffer.alloc(4)
  swapped.writeUInt32LE(WHAT[kind])
  return [[LOAD, 0, 0, WHAT_AT], [JUMP_IF_EQUAL, 0, checked.length, swapped.readUInt32BE()], ...checked]
}

/** Parses one datagram; threads' events and what we do not know are left out. */
export function parseProcessEvents(bytes: Buffer, length: number): ProcessEvent[] {
  const events: ProcessEvent[] = []
  let at = 0
  while (at + HEADER_BYTES + CONNECTOR_BYTES + 16 + 8 <= length) {
    const size = bytes.readUInt32LE(at)
    if (size < HEADER_BYTES + CONNECTOR_BYTES + 16 + 8 || at + size > length) break
    const event = parseOne(bytes, at + HEADER_BYTES, at + size)
    if (event !== null) events.push(event)
    at += (size + 3) & ~3
  }
  return events
}

function parseOne(bytes: Buffer, connector: number, end: number): ProcessEvent | null {
  if (bytes.readUInt32LE(connector) !== CN_IDX_PROC || bytes.readUInt32LE(connector + 4) !== CN_VAL_PROC)
    return null
  const event = connector + CONNECTOR_BYTES
  const what = bytes.readUInt32LE(event)
  const at = bytes.readUInt32LE(event + 8) + bytes.readUInt32LE(event + 12) * 2 ** 32
  const data = event + 16
  const thread = bytes.readInt32LE(data)
  const pid = bytes.readInt32LE(data + 4)
  if (what === EXEC) return { what: 'exec', pid, at }
  if (what === UID) return { what: 'user', pid, at }
  // Only the whole process's, not a thread's, start and end.
  if (what === EXIT) return thread === pid ? { what: 'exit', pid, at } : null
  if (what !== FORK || data + 16 > end) return null
  const child = bytes.readInt32LE(data + 8)
  const childProcess = bytes.readInt32LE(data + 12)
  return child === childProcess ? { what: 'fork', pid: child, parentPid: pid, at } : null
}
