import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hasCode, UserError } from '../lib/errors.ts'

/**
 * A file without a name: what an image holds lies on the host's disk as one run of bytes, under no name of its own,
 * and is gone when the process is.
 */
export interface Spool {
  readonly sizeBytes: () => number
  /** Appends all of it. */
  append(bytes: Uint8Array): void
  /** Exactly `length` bytes; fewer only at the end. The buffer is the caller's. */
  read(offset: number, length: number): Buffer
  close(): void
}

const SMALL_BYTES = 4096
const TOGETHER_BYTES = 64 * 1024
const ZEROS = Buffer.alloc(TOGETHER_BYTES)

/** @param folder on a disk with room for the image; the system's temporary folder when absent */
export function openSpool(folder: string = tmpdir()): Spool {
  const fd = openUnnamed(folder)
  /** Headers and small files wait here, and are written together. */
  const small = Buffer.allocUnsafe(TOGETHER_BYTES)
  let waiting = 0
  let end = 0

  function flush(): void {
    writeAll(small.subarray(0, waiting), end - waiting)
    waiting = 0
  }

  function writeAll(bytes: Uint8Array, at: number): void {
    for (let done = 0; done < bytes.length;) done += write(fd, bytes, done, at + done, folder)
  }

  return {
    sizeBytes: () => end,
    append(bytes) {
      if (bytes.length > SMALL_BYTES) {
        flush()
        // Ten gigabytes of nothing stay a hole of the file.
        if (!isZero(bytes)) writeAll(bytes, end)
      } else {
        if (waiting + bytes.length > TOGETHER_BYTES) flush()
        small.set(bytes, waiting)
        waiting += bytes.length
      }
      end += bytes.length
    },
    read(offset, length) {
      if (waiting > 0) flush()
      const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(length, end - offset)))
      let done = 0
      while (done < buffer.length) {
        const got = readSync(fd, buffer, done, buffer.length - done, offset + done)
        if (got === 0) break
        done += got
      }
      // A hole at the end is behind the end of the file.
      return buffer.fill(0, done)
    },
    close: () => {
      closeSync(fd)
    },
  }
}

function isZero(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += TOGETHER_BYTES) {
    const piece = bytes.subarray(at, at + TOGETHER_BYTES)
    if (ZEROS.compare(piece, 0, piece.length, 0, piece.length) !== 0) return false
  }
  return true
}

function openUnnamed(folder: string): number {
  try {
    const own = mkdtempSync(join(folder, 'paddock-'))
    try {
      return openSync(join(own, 'spool'), 'wx+', 0o600)
    } finally {
      rmSync(own, { recursive: true, force: true })
    }
  } catch (error) {
    throw new UserError(`cannot make a temporary file in ${folder}: ${reason(error)}`, {
      hint: 'name a folder with room for the image in TMPDIR',
      cause: error,
    })
  }
}

function write(fd: number, bytes: Uint8Array, from: number, at: number, folder: string): number {
  try {
    return writeSync(fd, bytes, from, bytes.length - from, at)
  } catch (error) {
    if (!hasCode(error, 'ENOSPC', 'EDQUOT', 'EFBIG')) throw error
    throw new UserError(`cannot keep the image in ${folder}: ${reason(error)}`, {
      hint: 'name a folder with room for the image in TMPDIR',
      cause: error,
    })
  }
}

function reason(error: unknown): string {
  if (hasCode(error, 'ENOSPC')) return 'the disk is full'
  if (hasCode(error, 'EACCES', 'EROFS')) return 'it cannot be written to'
  return error instanceof Error ? error.message : String(error)
}
