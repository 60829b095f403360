import { allocate, declare } from './library.ts'

/*
 * ptrace(2), for watching what the processes of a container ask the kernel, from outside. A tracee belongs to the thread
 * that seized it: all of these must be called from one and the same thread.
 */

const ptraceC = declare('ptrace', 'long', ['long', 'int', 'ulong', 'address'])
const waitpidC = declare('waitpid', 'int', ['int', 'address', 'int'])
const readvC = declare('process_vm_readv', 'long', ['int', 'address', 'ulong', 'address', 'ulong', 'ulong'])

const REQUEST = {
  CONT: 7,
  SYSCALL: 24,
  SEIZE: 0x4206,
  INTERRUPT: 0x4207,
  LISTEN: 0x4208,
  SYSCALL_INFO: 0x420e,
} as const
const OPTIONS = {
  SYSGOOD: 0x1,
  FORK: 0x2,
  VFORK: 0x4,
  CLONE: 0x8,
  EXEC: 0x10,
  EXIT: 0x40,
  /** When the tracer dies its tracees are killed: a test's container must not stay behind, stopped for ever. */
  EXITKILL: 0x100000,
} as const

/** What a stop of a tracee is about (ptrace(2), "Syscall-stops", "PTRACE_EVENT stops"). */
export const PTRACE_EVENT = { EXEC: 4, EXIT: 6, STOP: 128 } as const

/** Follows a thread, and every process and thread that comes of it. @returns 0, or minus the error number */
export function ptraceSeize(tid: number): number {
  const options = Object.values(OPTIONS).reduce((all, option) => all | option, 0)
  const answer = ptraceC(REQUEST.SEIZE, tid, 0, options)
  return answer < 0 ? answer : ptraceC(REQUEST.INTERRUPT, tid, 0, 0)
}

/** Lets a stopped tracee go on to its next system call. */
export function ptraceResume(tid: number, signal: number): void {
  ptraceC(REQUEST.SYSCALL, tid, 0, signal)
}

/** Leaves a tracee stopped that somebody stopped by a signal. */
export function ptraceListen(tid: number): void {
  ptraceC(REQUEST.LISTEN, tid, 0, 0)
}

const status = allocate(4096)
/** Every kind of child, but only this thread's: other threads' children are theirs to wait for. */
const WALL_NOTHREAD = 0x40000000 | 0x20000000

export interface Stop {
  readonly tid: number
  /** It is no more. */
  readonly gone: boolean
  /** It stands at the beginning or end of a system call. */
  readonly isSyscall: boolean
  readonly event: number
  readonly signal: number
}

const SIGTRAP = 5

/** Waits for the next stop of any tracee; null when none is left. */
export function ptraceWait(): Stop | null {
  const tid = waitpidC(-1, status.address, WALL_NOTHREAD)
  if (tid < 0) return null
  const word = status.bytes.readUInt32LE(0)
  const gone = (word & 0xff) !== 0x7f
  const signal = (word >> 8) & 0xff
  return { tid, gone, isSyscall: signal === (SIGTRAP | 0x80), event: word >>> 16, signal: signal & 0x7f }
}

const info = allocate(4096)

export type SyscallStop =
  | { readonly at: 'entry'; readonly number: number; readonly argument: (index: number) => bigint }
  | { readonly at: 'exit'; readonly result: number }

const ENTRY = 1
const EXIT = 2

/** Which system call a tracee stands at (struct ptrace_syscall_info, Linux 5.3); null when it is gone. */
export function ptraceSyscall(tid: number): SyscallStop | null {
  if (ptraceC(REQUEST.SYSCALL_INFO, tid, 88, info.address) <= 0) return null
  const { bytes } = info
  if (bytes[0] === EXIT) return { at: 'exit', result: Number(bytes.readBigInt64LE(24)) }
  if (bytes[0] !== ENTRY) return null
  return {
    at: 'entry',
    number: Number(bytes.readBigUInt64LE(24)),
    argument: (index) => bytes.readBigUInt64LE(32 + 8 * index),
  }
}

const vectors = allocate(4096)
const text = allocate(8192)
const PAGE = 4096n

/** The string at an address of a process, at most 4095 bytes, as latin1; null where it cannot be read. */
export function readString(pid: number, address: bigint): string | null {
  let length = 0
  while (length < 4096) {
    const at = address + BigInt(length)
    const step = Math.min(Number(PAGE - (at % PAGE)), 4096 - length)
    vectors.bytes.writeBigUInt64LE(BigInt(text.address + length), 0)
    vectors.bytes.writeBigUInt64LE(BigInt(step), 8)
    vectors.bytes.writeBigUInt64LE(at, 16)
    vectors.bytes.writeBigUInt64LE(BigInt(step), 24)
    const got = readvC(pid, vectors.address, 1, vectors.address + 16, 1, 0)
    if (got <= 0) return null
    const end = text.bytes.subarray(0, length + got).indexOf(0, length)
    if (end !== -1) return text.bytes.toString('latin1', 0, end)
    length += got
  }
  return null
}
