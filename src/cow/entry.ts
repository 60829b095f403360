import type { StatBuffer } from '../lib/libc/files.ts'
import type { Entry, FileType } from './change.ts'

const TYPES: Readonly<Record<number, FileType>> = {
  0o010000: 'fifo',
  0o020000: 'character-device',
  0o040000: 'directory',
  0o060000: 'block-device',
  0o100000: 'file',
  0o120000: 'symlink',
  0o140000: 'socket',
}

const TYPE_BITS = 0o170000
const NANOSECONDS = 1_000_000_000n

/** Reads what statx wrote (struct statx of linux/stat.h, the same on every architecture). */
export function readEntry({ words, longs }: StatBuffer): Entry {
  const mode = modeOf(words)
  return {
    type: TYPES[mode & TYPE_BITS] ?? 'file',
    mode,
    uid: words[5] ?? 0,
    gid: words[6] ?? 0,
    sizeBytes: (words[10] ?? 0) + (words[11] ?? 0) * 0x1_0000_0000,
    mtimeNs: secondsAsNs(longs[14] ?? 0n) + BigInt(words[30] ?? 0),
    ctimeNs: BigInt.asIntN(64, longs[12] ?? 0n) * NANOSECONDS + BigInt(words[26] ?? 0),
    inode: longs[4] ?? 0n,
    device: deviceNumber(words[34] ?? 0, words[35] ?? 0),
    links: words[4] ?? 0,
    rdev: deviceNumber(words[32] ?? 0, words[33] ?? 0),
  }
}

// Most neighbours were written in the same second, and BigInt costs the more the larger it is.
let knownSeconds = 0n
let knownNs = 0n

function secondsAsNs(seconds: bigint): bigint {
  if (seconds !== knownSeconds) {
    knownSeconds = seconds
    knownNs = BigInt.asIntN(64, seconds) * NANOSECONDS
  }
  return knownNs
}

export function inodeOf({ longs }: StatBuffer): bigint {
  return longs[4] ?? 0n
}

export function deviceOf({ words }: StatBuffer): number {
  return deviceNumber(words[34] ?? 0, words[35] ?? 0)
}

export function isDirectory({ words }: StatBuffer): boolean {
  return (modeOf(words) & TYPE_BITS) === 0o040000
}

/** The first form of a whiteout: a character device 0/0. */
export function isWhiteoutDevice({ words }: StatBuffer): boolean {
  return (modeOf(words) & TYPE_BITS) === 0o020000 && words[32] === 0 && words[33] === 0
}

/** What may be the second form, by its xattr: an empty regular file. */
export function isEmptyFile({ words }: StatBuffer): boolean {
  return (modeOf(words) & TYPE_BITS) === 0o100000 && words[10] === 0 && words[11] === 0
}

function modeOf(words: Uint32Array): number {
  // stx_mode has 16 bits, two of padding follow; all supported machines are little-endian.
  return (words[7] ?? 0) & 0xffff
}

/** As glibc's makedev and Node's `stats.dev` fold major and minor. */
function deviceNumber(major: number, minor: number): number {
  return (
    (major & 0xfff) * 0x100 + (minor & 0xff) + (minor >>> 8) * 0x10_0000 + (major >>> 12) * 0x1000_0000_0000
  )
}
