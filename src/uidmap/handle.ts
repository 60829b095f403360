import {
  type BigIntStats,
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fstatSync,
  opendirSync,
  openSync,
  readFileSync,
} from 'node:fs'
import { type BytePath, pathBytes } from '../lib/byte-path.ts'
import { attributeOf } from '../lib/libc/attributes.ts'
import type { Inode } from './access.ts'
import { ACCESS_XATTR, parseAcl } from './acl.ts'

/*
 * Files by descriptor: opened by one name inside a folder that is open, never through a link, and neither read nor
 * waited for (O_PATH). What is done afterwards is done to that inode, whatever lies under the name by then.
 */

const O_PATH = 0o10000000

/** `name` in the folder `dir`, opened as a name only. The descriptor is the caller's to close. */
export function openEntry(dir: number, name: BytePath): number {
  return openSync(pathBytes(`/proc/self/fd/${dir}/${name}` as BytePath), O_PATH | constants.O_NOFOLLOW)
}

/** A descriptor of the host's root folder. */
export function openRoot(): number {
  return openSync('/', O_PATH | constants.O_DIRECTORY)
}

/** The names in the folder that is open, in no order; read as they are asked for, for there may be millions. */
export function* namesIn(dir: number): Generator<BytePath> {
  const folder = opendirSync(`/proc/self/fd/${dir}`, { encoding: 'latin1', bufferSize: 1024 })
  try {
    for (let entry = folder.readSync(); entry !== null; entry = folder.readSync())
      yield entry.name as BytePath
  } finally {
    folder.closeSync()
  }
}

export function statOf(fd: number): BigIntStats {
  return fstatSync(fd, { bigint: true })
}

/** What decides about access to it. */
export function inodeOf(fd: number, stat: BigIntStats = statOf(fd)): Inode {
  const acl = stat.isSymbolicLink() ? null : attributeOf(fd, ACCESS_XATTR)
  return {
    mode: Number(stat.mode),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    acl: acl === null ? null : parseAcl(acl),
  }
}

/** Which mount it lies on: the first column of mountinfo (proc(5), /proc/<pid>/fdinfo). */
export function mountIdOf(fd: number): number {
  return Number(
    /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1] ?? Number.NaN,
  )
}

/** Of the inode itself, a symbolic link's too. */
export function setOwner(fd: number, uid: number, gid: number): void {
  chownSync(`/proc/self/fd/${fd}`, uid, gid)
}

export function setMode(fd: number, mode: number): void {
  chmodSync(`/proc/self/fd/${fd}`, mode)
}

export function release(fd: number): void {
  closeSync(fd)
}
