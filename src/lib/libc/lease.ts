import { allocate, declare } from './library.ts'

/*
 * A read lease (fcntl(2), F_SETLEASE): as long as it stands, nobody has the file open for writing, and who opens it so waits
 * in the kernel until the lease's holder, told by a signal, gives it up (at most /proc/sys/fs/lease-break-time, 45 s).
 * It is given only where no writer is. On overlayfs it speaks for opens through the overlay; a writable
 * mapping whose descriptor is closed shows only on the file beneath, in the layer directory (seen on 6.18).
 */

const fcntl = declare('fcntl', 'int', ['int', 'int', 'long'])
const fcntlAddress = declare('fcntl', 'int', ['int', 'int', 'address'])
const sigmask = declare('pthread_sigmask', 'int', ['int', 'address', 'address'])
const signalfdC = declare('signalfd', 'int', ['int', 'address', 'int'])
const gettid = declare('gettid', 'int', [])

const F_SETSIG = 10
const F_SETOWN_EX = 15
const F_OWNER_TID = 0
const F_SETLEASE = 1024
const F_RDLCK = 0
const F_UNLCK = 2
const SIG_BLOCK = 0
const SFD_CLOEXEC_NONBLOCK = 0o2004000

/** glibc keeps 32 and 33 for itself; this one is ours. A real-time signal is queued with the descriptor it speaks of. */
const LEASE_SIGNAL = 40
/** What the kernel sends instead when that queue is full. */
const SIGIO = 29

/** What of struct signalfd_siginfo is read: 128 bytes each, ssi_signo at 0, ssi_fd at 20. */
export const SIGNAL_BYTES = 128

export interface Leases {
  /** Becomes readable when a lease is asked back; records of `SIGNAL_BYTES`. */
  readonly signals: number
  /** 0, or minus the error number: -EAGAIN where someone has it open for writing. */
  take(fd: number): number
  release(fd: number): void
}

/** For the calling thread, which must live as long as the leases: it is the one that gets told. */
export function createLeases(): Leases {
  const memory = allocate(4096)
  memory.bytes.fill(0, 0, 128)
  memory.bytes.writeBigUInt64LE((1n << BigInt(LEASE_SIGNAL - 1)) | (1n << BigInt(SIGIO - 1)), 0)
  sigmask(SIG_BLOCK, memory.address, 0)
  const signals = signalfdC(-1, memory.address, SFD_CLOEXEC_NONBLOCK)
  const owner = allocate(4096)
  owner.bytes.writeInt32LE(F_OWNER_TID, 0)
  owner.bytes.writeInt32LE(gettid(), 4)
  return {
    signals,
    take(fd) {
      // The owner first: a lease broken in between must not signal the whole process.
      const told = fcntlAddress(fd, F_SETOWN_EX, owner.address)
      if (told < 0) return told
      fcntl(fd, F_SETSIG, LEASE_SIGNAL)
      return fcntl(fd, F_SETLEASE, F_RDLCK)
    },
    release(fd) {
      fcntl(fd, F_SETLEASE, F_UNLCK)
    },
  }
}

/** The descriptors of the leases asked back, from what `read` gave; null where the kernel lost count of them. */
export function parseLeaseSignals(bytes: Buffer, length: number): readonly number[] | null {
  const fds: number[] = []
  for (let at = 0; at + SIGNAL_BYTES <= length; at += SIGNAL_BYTES) {
    if (bytes.readUInt32LE(at) === SIGIO) return null
    fds.push(bytes.readInt32LE(at + 20))
  }
  return fds
}
