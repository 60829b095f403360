import { readSync } from 'node:fs'

const HEAD_BYTES = 4096
const DYNAMIC_BYTES = 8192
const ET_DYN = 3
const PT_DYNAMIC = 2
const PT_INTERP = 3
const DT_NULL = 0
const DT_SONAME = 14

/**
 * Whether an ELF file is a dynamic loader: a shared object with a name and an entry point, but without an interpreter of its own.
 * Run as a program (`ld.so /tmp/x`) it executes any file it is given, and no further permission event comes.
 * @param fd of a regular file, open for reading; its offset stays
 */
export function isDynamicLoader(fd: number): boolean {
  return hasLoaderShape((into, position) => readSync(fd, into, 0, into.length, position))
}

/** The same, over any way to read bytes at a position: pure, and fuzzed. */
export function hasLoaderShape(read: (into: Buffer, position: number) => number): boolean {
  const head = Buffer.alloc(HEAD_BYTES)
  const length = read(head, 0)
  if (length < 64 || head.readUInt32BE(0) !== 0x7f454c46) return false
  const wide = head[4] === 2
  // Little-endian only: no machine that Node's releases run on with fanotify is both big-endian and ours.
  if (head[5] !== 1 || head.readUInt16LE(16) !== ET_DYN) return false
  if (number(head, 24, wide) === 0) return false
  const tableAt = number(head, wide ? 32 : 28, wide)
  const size = head.readUInt16LE(wide ? 54 : 42)
  const count = head.readUInt16LE(wide ? 56 : 44)
  let dynamic: { at: number; bytes: number } | null = null
  for (let i = 0; i < count; i++) {
    const at = tableAt + i * size
    if (size < (wide ? 56 : 32) || at + size > length) break
    const type = head.readUInt32LE(at)
    if (type === PT_INTERP) return false
    if (type === PT_DYNAMIC)
      dynamic = {
        at: number(head, at + (wide ? 8 : 4), wide),
        bytes: number(head, at + (wide ? 32 : 16), wide),
      }
  }
  return dynamic !== null && hasName(read, dynamic, wide)
}

function hasName(
  read: (into: Buffer, position: number) => number,
  dynamic: { at: number; bytes: number },
  wide: boolean,
): boolean {
  if (!Number.isSafeInteger(dynamic.at)) return false
  const table = Buffer.alloc(Math.min(dynamic.bytes, DYNAMIC_BYTES))
  const length = read(table, dynamic.at)
  const step = wide ? 16 : 8
  for (let at = 0; at + step <= length; at += step) {
    const tag = number(table, at, wide)
    if (tag === DT_NULL) return false
    if (tag === DT_SONAME) return true
  }
  return false
}

function number(bytes: Buffer, at: number, wide: boolean): number {
  return wide ? Number(bytes.readBigUInt64LE(at)) : bytes.readUInt32LE(at)
}
