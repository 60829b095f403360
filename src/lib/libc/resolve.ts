import { type BigIntStats, fstatSync } from 'node:fs'
import { close, O_PATH } from './files.ts'
import { allocate, declare } from './library.ts'

const openat2 = declare('syscall', 'long', ['long', 'int', 'address', 'address', 'ulong'])

const SYS_OPENAT2 = 437
const O_CLOEXEC_NOFOLLOW = 0o2000000 | 0o400000
export const RESOLVE_NO_XDEV = 0x1
const NO_MAGICLINKS = 0x2
const NO_SYMLINKS = 0x4
const BENEATH = 0x8
const PATH_BYTES = 4096

const how = allocate(4096)
const path = allocate(2 * PATH_BYTES)

/**
 * Walks a whole path below `dir` in one system call that follows no symbolic link and cannot leave `dir` (openat2, 5.6).
 * @param relative without a leading slash; latin1
 * @param crossMounts whether the way may lead into another mount
 * @returns a descriptor, or minus the error number; -ENAMETOOLONG (36) for what no one call can walk
 */
export function openBeneath(dir: number, relative: string, flags: number, crossMounts: boolean): number {
  if (relative.length >= PATH_BYTES) return -36
  path.bytes[path.bytes.write(relative === '' ? '.' : relative, 0, 'latin1')] = 0
  how.bytes.writeBigUInt64LE(BigInt(flags | O_CLOEXEC_NOFOLLOW), 0)
  how.bytes.writeBigUInt64LE(0n, 8)
  const resolve = NO_MAGICLINKS | NO_SYMLINKS | BENEATH | (crossMounts ? 0 : RESOLVE_NO_XDEV)
  how.bytes.writeBigUInt64LE(BigInt(resolve), 16)
  return openat2(SYS_OPENAT2, dir, path.address, how.address, 24)
}

/** Whether a path below `dir` is this very file, no symbolic link followed. */
export function isFileBeneath(
  dir: number,
  relative: string,
  { dev, ino }: BigIntStats,
  crossMounts: boolean,
): boolean {
  const fd = openBeneath(dir, relative, O_PATH, crossMounts)
  if (fd < 0) return false
  try {
    const there = fstatSync(fd, { bigint: true })
    return there.dev === dev && there.ino === ino
  } finally {
    close(fd)
  }
}
