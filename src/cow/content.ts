import { createHash } from 'node:crypto'
import { constants, fstatSync, readSync } from 'node:fs'
import { close, O_PATH, openAt, openPath, seek } from '../lib/libc/files.ts'
import type { Place } from './look-up.ts'
import type { OpenLayer } from './open-layer.ts'
import { UnreadableError } from './unreadable.ts'

const CHUNK_BYTES = 262_144
const SEEK_DATA = 3
// Filled and used up between two pieces, so that all who read in turns can share them.
const piece = Buffer.alloc(CHUNK_BYTES)
const otherPiece = Buffer.alloc(CHUNK_BYTES)

/**
 * Opens a regular file for reading, never following a link and never touching anything but a regular file: the name is
 * first taken hold of without opening it, then what was got hold of is opened. A FIFO, a device or a link put there at any
 * moment is refused.
 * @returns a descriptor for the caller to close
 * @throws UnreadableError; its message starts with ENOENT where the file is gone
 */
export function openContent(open: OpenLayer, { directory, name }: Place): number {
  const handle = openAt(open.directories.fd(directory), name, O_PATH | constants.O_NOFOLLOW)
  if (handle < 0) throw new UnreadableError(handle)
  try {
    if (!fstatSync(handle).isFile()) throw new UnreadableError('it is no regular file any more')
    const again = `/proc/self/fd/${handle}`
    const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY
    let fd = openPath(again, flags | constants.O_NOATIME)
    if (fd === -1) fd = openPath(again, flags)
    if (fd < 0) throw new UnreadableError(fd)
    return fd
  } finally {
    close(handle)
  }
}

/**
 * Whether two files hold the same bytes. Holes in both are skipped, so that terabytes of nothing cost nothing.
 * Gives control back after each piece.
 */
export function* sameContent(left: number, right: number): Generator<undefined, boolean> {
  const size = fstatSync(left).size
  if (fstatSync(right).size !== size) return false
  let at = 0
  while (at < size) {
    at = Math.min(nextData(left, at, size), nextData(right, at, size))
    if (at >= size) break
    const leftLength = readFully(left, piece, at)
    const rightLength = readFully(right, otherPiece, at)
    if (leftLength !== rightLength) return false
    if (leftLength === 0) break
    if (!piece.subarray(0, leftLength).equals(otherPiece.subarray(0, rightLength))) return false
    at += leftLength
    yield
  }
  return true
}

/** Where data begin at or after `at`; the filesystem may know of no holes. */
function nextData(fd: number, at: number, size: number): number {
  const answer = seek(fd, at, SEEK_DATA)
  if (answer >= 0) return answer
  // ENXIO: only a hole up to the end.
  return answer === -6 ? size : at
}

function readFully(fd: number, into: Buffer, at: number): number {
  let length = 0
  while (length < into.length) {
    const read = readSync(fd, into, length, into.length - length, at + length)
    if (read === 0) break
    length += read
  }
  return length
}

/**
 * The SHA-256 of an open file, hexadecimal. Gives control back after each piece.
 * @param limitBytes the most that is read; null is returned for a larger file, whatever its holes
 */
export function* hashContent(fd: number, limitBytes: number): Generator<undefined, string | null> {
  const hash = createHash('sha256')
  for (let at = 0; ;) {
    if (at > limitBytes || (at === 0 && fstatSync(fd).size > limitBytes)) return null
    const length = readFully(fd, piece, at)
    hash.update(piece.subarray(0, length))
    if (length < piece.length) return hash.digest('hex')
    at += length
    yield
  }
}
