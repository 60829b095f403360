import { constants } from 'node:fs'
import { allocate, declare, type Memory } from './library.ts'

/*
 * Files by descriptor and single name, so that no path is ever walked through names that a container chose.
 * Names are `latin1` strings, a character a byte (see BytePath). All functions give the kernel's answer: a result, or
 * minus the error number; `check` of library.ts turns that into an error where a caller wants one.
 */

const openatC = declare('openat', 'int', ['int', 'address', 'int', 'uint'])
const closeC = declare('close', 'int', ['int'])
const readC = declare('read', 'long', ['int', 'address', 'ulong'])
const statxC = declare('statx', 'int', ['int', 'address', 'int', 'uint', 'address'])
const getdents64C = declare('getdents64', 'long', ['int', 'address', 'ulong'])
const readlinkatC = declare('readlinkat', 'long', ['int', 'address', 'address', 'ulong'])
const lseekC = declare('lseek', 'long', ['int', 'long', 'int'])
const llistxattrC = declare('llistxattr', 'long', ['address', 'address', 'ulong'])
const lgetxattrC = declare('lgetxattr', 'long', ['address', 'address', 'address', 'ulong'])
const listxattrC = declare('listxattr', 'long', ['address', 'address', 'ulong'])
const getxattrC = declare('getxattr', 'long', ['address', 'address', 'address', 'ulong'])

const O_CLOEXEC = 0o2000000
/** A descriptor that names an entry and neither reads nor opens it: no device wakes up, no FIFO blocks. */
export const O_PATH = 0o10000000
const AT_FDCWD = -100
const AT_SYMLINK_NOFOLLOW = 0x100
const AT_NO_AUTOMOUNT = 0x800
const AT_EMPTY_PATH = 0x1000
const STATX_BASIC_STATS = 0x7ff
const STATX_MNT_ID = 0x1000

/** Opens for reading what is a directory, never what a symbolic link points to. */
export const DIRECTORY_FLAGS =
  constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | constants.O_NOATIME

// Room for one path and one xattr name at a time; longer paths are the caller's to split.
const PATH_BYTES = 4096
const scratch = allocate(2 * PATH_BYTES)
const SECOND = scratch.address + PATH_BYTES

function put(text: string, offset: number): number {
  if (text.length >= PATH_BYTES) throw new RangeError(`a name of ${text.length} bytes`)
  if (text.includes('\0')) throw new RangeError('a NUL character in a name')
  const end = offset + scratch.bytes.write(text, offset, 'latin1')
  scratch.bytes[end] = 0
  return scratch.address + offset
}

/** @param name one name inside `dir`, or an absolute path that the host chose */
export function openAt(dir: number, name: string, flags: number): number {
  return openatC(dir, put(name, 0), flags | O_CLOEXEC, 0)
}

/** Opens an absolute path that the host chose, links and all. */
export function openPath(path: string, flags: number): number {
  return openAt(AT_FDCWD, path, flags)
}

export function close(fd: number): void {
  closeC(fd)
}

/** What can be read at once of a file that the host chose: length, or minus the error number. */
export function readPath(path: string, into: Memory): number {
  const fd = openPath(path, constants.O_RDONLY)
  if (fd < 0) return fd
  const length = readC(fd, into.address, into.bytes.length)
  closeC(fd)
  return length
}

/** What statx tells, in a buffer that is filled again and again: read it before the next call. */
export interface StatBuffer {
  readonly memory: Memory
  readonly words: Uint32Array
  readonly longs: BigUint64Array
}

export function statBuffer(): StatBuffer {
  const memory = allocate(4096)
  const { buffer, byteOffset } = memory.bytes
  return {
    memory,
    words: new Uint32Array(buffer, byteOffset, 64),
    longs: new BigUint64Array(buffer, byteOffset, 32),
  }
}

/** What a name in `dir` is, without following it. */
export function statAt(dir: number, name: string, into: StatBuffer): number {
  return statAddressAt(dir, put(name, 0), into)
}

/** What a path that the host chose leads to, links and all. */
export function statPath(path: string, into: StatBuffer): number {
  return statxC(AT_FDCWD, put(path, 0), 0, STATX_BASIC_STATS, into.memory.address)
}

/** As Node's `stat.dev` has it (glibc's makedev). */
export function deviceOf({ words }: StatBuffer): number {
  const major = words[34] ?? 0
  const minor = words[35] ?? 0
  return (minor & 0xff) + (major & 0xfff) * 2 ** 8 + (minor >>> 8) * 2 ** 20 + (major >>> 12) * 2 ** 44
}

export function inodeOf({ longs }: StatBuffer): bigint {
  return longs[4] ?? 0n
}

/** The same for a NUL-terminated name that lies in memory already (a directory entry). */
export function statAddressAt(dir: number, nameAddress: number, into: StatBuffer): number {
  return statxC(
    dir,
    nameAddress,
    AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
    STATX_BASIC_STATS,
    into.memory.address,
  )
}

export function statFd(fd: number, into: StatBuffer): number {
  return statxC(fd, put('', 0), AT_EMPTY_PATH, STATX_BASIC_STATS, into.memory.address)
}

/**
 * Which mount `name` in `dir` lies on, or, where the name is empty, `dir` itself: a mount on that very name shows.
 * @returns null where the kernel does not tell (before 5.8), or minus the error number
 */
export function mountIdAt(dir: number, name: string, into: StatBuffer): number | bigint | null {
  const flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (name === '' ? AT_EMPTY_PATH : 0)
  const answer = statxC(dir, put(name, 0), flags, STATX_BASIC_STATS | STATX_MNT_ID, into.memory.address)
  if (answer < 0) return answer
  return ((into.words[0] ?? 0) & STATX_MNT_ID) === 0 ? null : (into.longs[18] ?? 0n)
}

/** Fills `into` with directory entries from where `dir` stands; 0 at the end. */
export function readEntries(dir: number, into: Memory): number {
  return getdents64C(dir, into.address, into.bytes.length)
}

/**
 * Where in a file or directory reading goes on: `whence` 0 from the start, 3 next data, 4 next hole.
 * Offsets in directories of ext4 are hashes of 63 bits: past what the number answered can hold exactly.
 */
export function seek(fd: number, offset: number | bigint, whence: 0 | 3 | 4): number {
  return lseekC(fd, offset, whence)
}

/** The target of a link that the host chose. */
export function readLink(path: string, into: Memory): number {
  return readlinkatC(AT_FDCWD, put(path, 0), into.address, into.bytes.length)
}

/** The target of a symbolic link, never followed; cut off at the size of `into`. */
export function readLinkAt(dir: number, name: string, into: Memory): number {
  return readlinkatC(dir, put(name, 0), into.address, into.bytes.length)
}

/**
 * `/proc/self/fd/<dir>/<name>`: the one way to the xattrs of an entry that may not be opened. The kernel goes to the
 * directory that is open, wherever it lies by now; the name is the last component, which `l…xattr` do not follow.
 */
function throughProc(dir: number, name: string): number {
  return put(name === '' ? `/proc/self/fd/${dir}` : `/proc/self/fd/${dir}/${name}`, 0)
}

/** The names of the xattrs of `name` in `dir`, each with a NUL behind it; of `dir` itself where `name` is empty. */
export function listXattrsAt(dir: number, name: string, into: Memory): number {
  const list = name === '' ? listxattrC : llistxattrC
  return list(throughProc(dir, name), into.address, into.bytes.length)
}

/** The value of one xattr of `name` in `dir`; of `dir` itself where `name` is empty. */
export function getXattrAt(dir: number, name: string, xattr: string, into: Memory): number {
  const get = name === '' ? getxattrC : lgetxattrC
  const path = throughProc(dir, name)
  put(xattr, PATH_BYTES)
  return get(path, SECOND, into.address, into.bytes.length)
}
