import { allocate, declare } from './library.ts'

/*
 * Changes to files by descriptor and single name, as files.ts reads them: nothing is followed, and no path
 * is walked through names that a container chose. All functions give the kernel's answer: 0, or minus the error number.
 */

const openatC = declare('openat', 'int', ['int', 'address', 'int', 'uint'])
const unlinkatC = declare('unlinkat', 'int', ['int', 'address', 'int'])
const renameat2C = declare('renameat2', 'int', ['int', 'address', 'int', 'address', 'uint'])
const mkdiratC = declare('mkdirat', 'int', ['int', 'address', 'uint'])
const mknodatC = declare('mknodat', 'int', ['int', 'address', 'uint', 'ulong'])
const symlinkatC = declare('symlinkat', 'int', ['address', 'int', 'address'])
const fchownatC = declare('fchownat', 'int', ['int', 'address', 'uint', 'uint', 'int'])
const chmodC = declare('chmod', 'int', ['address', 'uint'])
const utimensatC = declare('utimensat', 'int', ['int', 'address', 'address', 'int'])
const setxattrC = declare('setxattr', 'int', ['address', 'address', 'address', 'ulong', 'int'])
const removexattrC = declare('removexattr', 'int', ['address', 'address'])

const O_CLOEXEC = 0o2000000
const AT_FDCWD = -100
const AT_EMPTY_PATH = 0x1000
const AT_REMOVEDIR = 0x200
const RENAME_NOREPLACE = 1
const UTIME_OMIT = 0x3ffffffen

const PATH_BYTES = 4096
const XATTR_BYTES = 65_536
// Two names, and room behind them for a value or two times.
const scratch = allocate(2 * PATH_BYTES + XATTR_BYTES)
const FIRST = 0
const SECOND = PATH_BYTES
const VALUE = 2 * PATH_BYTES

function put(text: string, offset: number): number {
  if (text.length >= PATH_BYTES) throw new RangeError(`a name of ${text.length} bytes`)
  if (text.includes('\0')) throw new RangeError('a NUL character in a name')
  scratch.bytes[offset + scratch.bytes.write(text, offset, 'latin1')] = 0
  return scratch.address + offset
}

/** Creates a regular file that was not there, open for reading and writing. */
export function createAt(dir: number, name: string, mode: number, flags: number): number {
  return openatC(dir, put(name, FIRST), flags | O_CLOEXEC, mode)
}

export function unlinkAt(dir: number, name: string): number {
  return unlinkatC(dir, put(name, FIRST), 0)
}

export function removeDirectoryAt(dir: number, name: string): number {
  return unlinkatC(dir, put(name, FIRST), AT_REMOVEDIR)
}

/** @param replace whether what has the new name may go */
export function renameAt(dir: number, name: string, toDir: number, toName: string, replace: boolean): number {
  return renameat2C(dir, put(name, FIRST), toDir, put(toName, SECOND), replace ? 0 : RENAME_NOREPLACE)
}

export function makeDirectoryAt(dir: number, name: string, mode: number): number {
  return mkdiratC(dir, put(name, FIRST), mode)
}

/** @param mode with the type bits; @param device as `fs.Stats.rdev` */
export function makeNodeAt(dir: number, name: string, mode: number, device: number): number {
  return mknodatC(dir, put(name, FIRST), mode, device)
}

export function symlinkAt(target: string, dir: number, name: string): number {
  return symlinkatC(put(target, SECOND), dir, put(name, FIRST))
}

/**
 * What is open, by whatever kind of descriptor: `/proc/self/fd/N` leads to that very inode and no further, so that
 * names which others move meanwhile play no part. `fd` may be of O_PATH and name a symbolic link.
 */
function opened(fd: number): number {
  return put(`/proc/self/fd/${fd}`, FIRST)
}

export function chownFd(fd: number, uid: number, gid: number): number {
  return fchownatC(fd, put('', FIRST), uid, gid, AT_EMPTY_PATH)
}

/** Not for a symbolic link, whose mode nothing asks for. */
export function chmodFd(fd: number, mode: number): number {
  return chmodC(opened(fd), mode & 0o7777)
}

/** Sets the modification time, nanoseconds since the epoch; leaves the access time alone. */
export function setTimeFd(fd: number, timeNs: bigint): number {
  const seconds = timeNs >= 0n ? timeNs / 1_000_000_000n : (timeNs - 999_999_999n) / 1_000_000_000n
  const { bytes, address } = scratch
  bytes.writeBigInt64LE(0n, VALUE)
  bytes.writeBigInt64LE(UTIME_OMIT, VALUE + 8)
  bytes.writeBigInt64LE(seconds, VALUE + 16)
  bytes.writeBigInt64LE(timeNs - seconds * 1_000_000_000n, VALUE + 24)
  return utimensatC(AT_FDCWD, opened(fd), address + VALUE, 0)
}

export function setXattrFd(fd: number, xattr: string, value: Buffer): number {
  if (value.length > XATTR_BYTES) throw new RangeError(`an xattr of ${value.length} bytes`)
  scratch.bytes.set(value, VALUE)
  return setxattrC(opened(fd), put(xattr, SECOND), scratch.address + VALUE, value.length, 0)
}

export function removeXattrFd(fd: number, xattr: string): number {
  return removexattrC(opened(fd), put(xattr, SECOND))
}
