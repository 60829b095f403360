import { createHash } from 'node:crypto'
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  openSync,
  readSync,
  unlinkSync,
  writeSync,
} from 'node:fs'

const CHUNK_BYTES = 256 * 1024
const buffer = Buffer.allocUnsafe(CHUNK_BYTES)

export interface Captured {
  readonly sha256: string
  readonly sizeBytes: number
  /** Whether the file went on behind what was read. */
  readonly truncated: boolean
}

/**
 * Reads a regular file by position, to its end or to `maxBytes`, whatever happens to it meanwhile.
 * @param into a descriptor that gets a copy, or null for the hash alone
 * @returns null for what is no regular file: reading a FIFO would wait, reading a device would act
 */
export function capture(fd: number, maxBytes: number, into: number | null): Captured | null {
  if (!fstatSync(fd).isFile()) return null
  const hash = createHash('sha256')
  let sizeBytes = 0
  for (;;) {
    const room = maxBytes - sizeBytes
    // One byte beyond the bound says whether there is more.
    const length = readSync(fd, buffer, 0, Math.min(CHUNK_BYTES, room + 1), sizeBytes)
    const kept = buffer.subarray(0, Math.min(length, room))
    hash.update(kept)
    if (into !== null) writeAll(into, kept)
    sizeBytes += kept.length
    if (length === 0 || length > room) {
      return { sha256: hash.digest('hex'), sizeBytes, truncated: length > room }
    }
  }
}

/**
 * Copies a regular file into a new one that nobody may execute: no bit for it, and 0400.
 * @param path must not exist; removed again when the copy fails
 */
export function captureInto(fd: number, maxBytes: number, path: string): Captured | null {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  const copy = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  let captured: Captured | null = null
  try {
    captured = capture(fd, maxBytes, copy)
    fchmodSync(copy, 0o400)
  } finally {
    closeSync(copy)
    if (captured === null) unlinkSync(path)
  }
  return captured
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done, bytes.length - done)
}
