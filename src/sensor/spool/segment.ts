import { closeSync, constants, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs'
import { decodeRecord, encodeRecord, type SpoolRecord } from './record.ts'

/**
 * One file of the spool. Its bytes are allocated when it is made, all zero, so that a disk which fills up later
 * cannot keep findings out of it, and so that a sync has no new size to write.
 */
export interface Segment {
  readonly path: string
  /** Number of its first finding, whether written yet or not. */
  readonly first: number
  /** Where that one stands, behind the header. */
  readonly start: number
  /** Of its last, `first` - 1 while it has none; once sealed, exact. */
  last: number
  /** Where the next record goes. */
  end: number
}

const CHUNK_BYTES = 256 * 1024

/** Fills a new, or a used, file with zeros. @throws ENOSPC and its like */
export function blank(path: string, sizeBytes: number): void {
  const zeros = Buffer.alloc(Math.min(CHUNK_BYTES, sizeBytes))
  // Not 'w': truncating would give back the blocks that a used file already has.
  withFile(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, (fd) => {
    for (let at = 0; at < sizeBytes; at += zeros.length) {
      writeFully(fd, zeros.subarray(0, Math.min(zeros.length, sizeBytes - at)), at)
    }
  })
}

/** Starts a segment in a blank file. The header names the spool, so that a stray file is not taken for part of it. */
export function startSegment(path: string, fd: number, spool: string, first: number): Segment {
  const header = encodeRecord(first, spool)
  writeFully(fd, header, 0)
  return { path, first, start: header.length, last: first - 1, end: header.length }
}

/**
 * Reads a segment to the last whole record, and wipes what a write that was cut off may have left behind it.
 * @returns null when it is not a segment of a spool
 */
export function recoverSegment(path: string): (Segment & { spool: string }) | null {
  return withFile(path, 'r+', (fd) => {
    const bytes = Buffer.alloc(fstatSync(fd).size)
    const length = readFully(fd, bytes, 0)
    const header = decodeRecord(bytes, 0)
    if (header === null) return null
    let { end } = header
    let last = header.number - 1
    for (;;) {
      const record = decodeRecord(bytes, end)
      if (record?.number !== last + 1) break
      last = record.number
      end = record.end
    }
    const rest = bytes.subarray(end, length)
    if (rest.some((byte) => byte !== 0)) writeFully(fd, Buffer.alloc(rest.length), end)
    fsyncSync(fd)
    return { path, first: header.number, start: header.end, last, end, spool: header.json.toString('latin1') }
  })
}

/** Whole records from `offset` on, until `maxBytes` are read; at least one where there is one. */
export function readRecords(segment: Segment, offset: number, maxBytes: number): SpoolRecord[] {
  const bytes = Buffer.alloc(Math.min(maxBytes, Math.max(segment.end - offset, 0)))
  const length = withFile(segment.path, 'r', (fd) => readFully(fd, bytes, offset))
  const whole = bytes.subarray(0, length)
  const records: SpoolRecord[] = []
  for (let at = 0; at < length;) {
    const record = decodeRecord(whole, at)
    if (record === null) break
    records.push({ ...record, end: offset + record.end })
    at = record.end
  }
  return records
}

/** @throws RangeError when the file takes no more, any other error as `fs` has it */
export function writeFully(fd: number, bytes: Uint8Array, position: number): void {
  let done = 0
  while (done < bytes.length) {
    const written = writeSync(fd, bytes, done, bytes.length - done, position + done)
    if (written === 0) throw new RangeError('write made no progress')
    done += written
  }
}

function readFully(fd: number, bytes: Buffer, position: number): number {
  let done = 0
  while (done < bytes.length) {
    const length = readSync(fd, bytes, done, bytes.length - done, position + done)
    if (length === 0) break
    done += length
  }
  return done
}

function withFile<T>(path: string, flags: string | number, use: (fd: number) => T): T {
  const fd = openSync(path, flags, 0o600)
  try {
    return use(fd)
  } finally {
    closeSync(fd)
  }
}
