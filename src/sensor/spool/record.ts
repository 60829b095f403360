import { crc32 } from 'node:zlib'

/** One finding as it lies in a segment: its number and its JSON, guarded by a checksum, on one line. */
export interface SpoolRecord {
  readonly number: number
  /** A view into what was read. */
  readonly json: Buffer
  /** Where the next record starts. */
  readonly end: number
}

const NEWLINE = 0x0a
const CHECKSUM_DIGITS = 8
const MAX_NUMBER_DIGITS = 16

/** "5f0c12ab 41 {…}\n": a CRC-32 over all between it and the newline. */
export function encodeRecord(number: number, json: string): Buffer {
  const guarded = `${number} ${json}`
  return Buffer.from(`${checksum(guarded)} ${guarded}\n`)
}

/**
 * The record that starts at `start`.
 * @returns null where none does: the end of what was written, a torn write, or damage
 */
export function decodeRecord(bytes: Buffer, start: number): SpoolRecord | null {
  const newline = bytes.indexOf(NEWLINE, start)
  const guardedAt = start + CHECKSUM_DIGITS + 1
  if (newline < guardedAt) return null
  const guarded = bytes.subarray(guardedAt, newline)
  if (bytes.toString('latin1', start, guardedAt) !== `${checksum(guarded)} `) return null
  const space = guarded.indexOf(0x20)
  if (space < 1 || space > MAX_NUMBER_DIGITS) return null
  return {
    number: Number(guarded.toString('latin1', 0, space)),
    json: guarded.subarray(space + 1),
    end: newline + 1,
  }
}

function checksum(data: string | Buffer): string {
  return crc32(data).toString(16).padStart(CHECKSUM_DIGITS, '0')
}
