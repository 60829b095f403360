import { allocate, declare } from './library.ts'

const create = declare('epoll_create1', 'int', ['int'])
const control = declare('epoll_ctl', 'int', ['int', 'int', 'int', 'address'])
const wait = declare('epoll_wait', 'int', ['int', 'address', 'int', 'int'])
const eventfdC = declare('eventfd', 'int', ['uint', 'int'])
const pidfdOpenC = declare('syscall', 'long', ['long', 'int', 'uint'])
const readC = declare('read', 'long', ['int', 'address', 'ulong'])

const EPOLL_CLOEXEC = 0o2000000
const EFD_CLOEXEC_NONBLOCK = 0o2004000
const ADD = 1
const REMOVE = 2
const EPOLLIN = 1
const POLLIN = 1
const SYS_PIDFD_OPEN = 434
const EVENTS_AT_ONCE = 64
// struct epoll_event is packed on x86-64 only (include/uapi/linux/eventpoll.h).
const EVENT_BYTES = process.arch === 'x64' ? 12 : 16
const DATA_OFFSET = process.arch === 'x64' ? 4 : 8

/** A set of descriptors that a thread with nothing else to do waits for. */
export interface Poll {
  add(fd: number): number
  remove(fd: number): void
  /** Waits until some can be read; -1 waits for ever. Which, in no order. */
  wait(timeoutMs: number): readonly number[]
}

export function createPoll(): Poll {
  const epoll = create(EPOLL_CLOEXEC)
  const memory = allocate(4096)
  const events = allocate(4096)
  return {
    add(fd) {
      memory.bytes.writeUInt32LE(EPOLLIN, 0)
      memory.bytes.writeInt32LE(fd, DATA_OFFSET)
      return control(epoll, ADD, fd, memory.address)
    },
    remove(fd) {
      control(epoll, REMOVE, fd, memory.address)
    },
    wait(timeoutMs) {
      const count = wait(epoll, events.address, EVENTS_AT_ONCE, timeoutMs)
      const ready: number[] = []
      for (let i = 0; i < count; i++) ready.push(events.bytes.readInt32LE(i * EVENT_BYTES + DATA_OFFSET))
      return ready
    },
  }
}

/** A descriptor by which one thread wakes another: write eight bytes to it. */
export function eventfd(): number {
  return eventfdC(0, EFD_CLOEXEC_NONBLOCK)
}

/** A descriptor of a process that becomes readable when it ends (5.3), or minus the error number. */
export function pidfdOpen(pid: number): number {
  return pidfdOpenC(SYS_PIDFD_OPEN, pid, 0)
}

/** Reads what is there without waiting, where the descriptor does not wait: length, or minus the error number. */
export function readInto(fd: number, into: { bytes: Buffer; address: number }, limit?: number): number {
  return readC(fd, into.address, limit ?? into.bytes.length)
}

const pollC = declare('poll', 'int', ['address', 'ulong', 'int'])
const polled = allocate(4096)

/**
 * Whether the process that a pidfd names still runs. By poll(2), which needs no right over it: a signal of 0 would need
 * CAP_KILL towards a process of another user, and its refusal looks like an end.
 */
export function isAlive(pidfd: number): boolean {
  // struct pollfd: the descriptor, the events asked for, those that are there.
  polled.bytes.writeInt32LE(pidfd, 0)
  polled.bytes.writeInt16LE(POLLIN, 4)
  polled.bytes.writeInt16LE(0, 6)
  return pollC(polled.address, 1, 0) === 0
}
