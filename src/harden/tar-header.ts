import { UserError } from '../lib/errors.ts'

/** What an image's tar holds that no image should: told in one sentence, and nothing of it is used. */
export function refuse(what: string): UserError {
  return new UserError(`cannot read the image: ${what}`, {
    hint: 'do not trust this image, or build it again and look at what made it',
  })
}

/** One header block (POSIX.1-1988 ustar, as GNU and Go write it), before PAX records are laid over it. Bytes as latin1. */
export interface Header {
  readonly name: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly sizeBytes: number
  readonly mtime: number
  /** "0" file, "1" hard link, "2" symbolic link, "3" character, "4" block, "5" directory, "6" FIFO, "x" "g" "L" "K" extensions. */
  readonly type: string
  readonly linkName: string
  readonly major: number
  readonly minor: number
}

export const BLOCK = 512

/** @returns null for a block of zeros, the end of an archive */
export function parseHeader(block: Buffer): Header | null {
  if (block.every((byte) => byte === 0)) return null
  if (checksum(block) !== number(block, 148, 8, 'a checksum'))
    throw refuse('a tar header has a wrong checksum')
  const isUstar = block.toString('latin1', 257, 263) === 'ustar\0'
  const prefix = isUstar ? text(block, 345, 155) : ''
  const name = text(block, 0, 100)
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    mode: number(block, 100, 8, 'a mode') & 0o7777,
    uid: number(block, 108, 8, 'an owner'),
    gid: number(block, 116, 8, 'a group'),
    sizeBytes: number(block, 124, 12, 'a size'),
    mtime: number(block, 136, 12, 'a time'),
    type: block.toString('latin1', 156, 157).replace('\0', '0'),
    linkName: text(block, 157, 100),
    major: number(block, 329, 8, 'a device number'),
    minor: number(block, 337, 8, 'a device number'),
  }
}

/** The sum of all bytes, those of the checksum itself counted as spaces. */
export function checksum(block: Buffer): number {
  let sum = 8 * 32
  for (let at = 0; at < BLOCK; at++) if (at < 148 || at >= 156) sum += block[at] ?? 0
  return sum
}

function text(block: Buffer, at: number, length: number): string {
  const end = block.indexOf(0, at)
  return block.toString('latin1', at, end === -1 || end > at + length ? at + length : end)
}

/** Octal digits, or GNU's base 256 for what they cannot hold. */
function number(block: Buffer, at: number, length: number, what: string): number {
  const first = block[at] ?? 0
  if (first >= 0x80) {
    let value = first === 0xff ? -1n : BigInt(first & 0x7f)
    for (let index = at + 1; index < at + length; index++) value = (value << 8n) | BigInt(block[index] ?? 0)
    if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < -BigInt(Number.MAX_SAFE_INTEGER))
      throw refuse(`${what} is out of range`)
    return Number(value)
  }
  const plain = plainOctal(block, at, length)
  if (plain !== null) return plain
  const digits = block
    .toString('latin1', at, at + length)
    .replace(/\0.*$/s, '')
    .trim()
  if (digits === '') return 0
  if (!/^[0-7]+$/.test(digits)) throw refuse(`${what} is no number`)
  return Number.parseInt(digits, 8)
}

/** As nearly all are written: digits, and a NUL where there is room. Null for what takes a closer look. */
function plainOctal(block: Buffer, at: number, length: number): number | null {
  let value = 0
  for (let index = at; index < at + length; index++) {
    const byte = block[index] ?? 0
    if (byte === 0) return value
    if (byte < 0x30 || byte > 0x37) return null
    value = value * 8 + byte - 0x30
  }
  return value
}
