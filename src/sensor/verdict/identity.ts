import { closeSync, constants, fstatSync, readSync, type BigIntStats } from 'node:fs'
import { withReadable } from '../../lib/libc/event-file.ts'
import { getXattrAt, O_PATH, openPath } from '../../lib/libc/files.ts'
import { fileHandle } from '../../lib/libc/handle.ts'
import type { Leases } from '../../lib/libc/lease.ts'
import { allocate } from '../../lib/libc/library.ts'
import { isFileBeneath, openBeneath } from '../../lib/libc/resolve.ts'

/** What the identity of a program is measured against: one container's file systems. */
export interface ImageView {
  /** `O_PATH` descriptors: the container's own root, and its layer directory. */
  readonly root: number
  readonly upper: number
  /** The baseline's directories, top first, as the host names them. */
  readonly lowers: readonly string[]
}

/** Why a program is not known, for `details`. */
export type Drift =
  | 'not in the image'
  | 'content differs from the image'
  | 'gained rights over the image'
  | 'not the file at this path'
  | 'open for writing'
  | 'not provable'

export type Identity =
  | { readonly known: true; readonly leased: readonly number[] }
  | { readonly known: false; readonly why: Drift }

const SETUID_SETGID = 0o6000
const CHUNK_BYTES = 1 << 20
const ENOENT = -2
const EAGAIN = -11

/**
 * Whether an open file *is* the image's program at `path`. Positive in two cases only:
 *
 * 1. It is the baseline's own inode: size and times are those of the file of that path in the baseline, and the change time
 *    is one that nothing in a container can set. Nothing lies at the path in the layer directory, and the
 *    container's own root has that inode at that path, not by way of another mount.
 * 2. It is a copied-up file (a chmod made one) of equal content and no more rights, and nobody can change
 *    it between this look and the kernel's: leases on it and on the file beneath hold writers off.
 *
 * A generator, so that a large comparison does not hold up other verdicts: it yields between pieces.
 * @param fd the event's own descriptor, already leased where `leasable`
 */
export function* identify(
  view: ImageView,
  fd: number,
  stat: BigIntStats,
  path: string,
  leases: Leases,
): Generator<undefined, Identity> {
  const relative = path.slice(1)
  const taken = leases.take(fd)
  if (taken === EAGAIN) return { known: false, why: 'open for writing' }
  const leased = taken === 0 ? [fd] : []
  const identity = yield* compareWithImage(view, fd, stat, relative, leases, leased)
  if (!identity.known && taken === 0) leases.release(fd)
  return identity
}

function* compareWithImage(
  view: ImageView,
  fd: number,
  stat: BigIntStats,
  relative: string,
  leases: Leases,
  leased: readonly number[],
): Generator<undefined, Identity> {
  const lower = openInBaseline(view.lowers, relative)
  if (lower < 0) return { known: false, why: 'not in the image' }
  try {
    const was = fstatSync(lower, { bigint: true })
    if (!was.isFile()) return { known: false, why: 'not in the image' }
    if (!isFileBeneath(view.root, relative, stat, false))
      return { known: false, why: 'not the file at this path' }
    const upper = openBeneath(view.upper, relative, constants.O_RDONLY | constants.O_NONBLOCK, false)
    if (upper === ENOENT) {
      return sameInode(stat, was)
        ? { known: true, leased }
        : { known: false, why: 'not the file at this path' }
    }
    if (upper < 0) return { known: false, why: 'content differs from the image' }
    const identity = yield* compareCopiedUp({ fd, stat, upper, lower, was }, leases, leased)
    if (!identity.known) closeSync(upper)
    return identity
  } finally {
    closeSync(lower)
  }
}

interface CopiedUp {
  readonly fd: number
  readonly stat: BigIntStats
  readonly upper: number
  readonly lower: number
  readonly was: BigIntStats
}

function* compareCopiedUp(
  { fd, stat, upper, lower, was }: CopiedUp,
  leases: Leases,
  leased: readonly number[],
): Generator<undefined, Identity> {
  const now = fstatSync(upper, { bigint: true })
  if (!now.isFile() || stat.size !== was.size) return { known: false, why: 'content differs from the image' }
  if ((Number(stat.mode) & SETUID_SETGID & ~Number(was.mode)) !== 0 || !sameCapabilities(fd, lower))
    return { known: false, why: 'gained rights over the image' }
  // overlayfs keeps the inode number of what it copied, and notes in the copy what it was made from: this copy is that file.
  if (stat.ino !== was.ino || was.nlink !== 1n || stat.ctimeNs !== now.ctimeNs || !isCopyOf(upper, lower))
    return { known: false, why: 'not provable' }
  // A writable mapping outlives its descriptor, and on overlayfs only the file beneath knows of it.
  if (leases.take(upper) < 0) return { known: false, why: 'open for writing' }
  const equal = yield* sameContent(fd, lower)
  if (!equal) {
    leases.release(upper)
    return { known: false, why: 'content differs from the image' }
  }
  return { known: true, leased: [...leased, upper] }
}

/** The topmost layer of the baseline that has something there; whiteouts and opaque folders are told apart by what follows. */
function openInBaseline(lowers: readonly string[], relative: string): number {
  for (const lower of lowers) {
    const folder = openPath(lower, O_PATH | constants.O_DIRECTORY)
    if (folder < 0) continue
    const fd = openBeneath(folder, relative, constants.O_RDONLY | constants.O_NONBLOCK, false)
    closeSync(folder)
    if (fd !== ENOENT) return fd
  }
  return ENOENT
}

/** The inode number is left out: with layers on several file systems overlayfs makes numbers of its own. */
function sameInode(stat: BigIntStats, was: BigIntStats): boolean {
  return stat.size === was.size && stat.ctimeNs === was.ctimeNs && stat.mtimeNs === was.mtimeNs
}

const xattr = allocate(8192)

// struct ovl_fb (fs/overlayfs/overlayfs.h): version, magic, len, flags, type, uuid[16], then the file handle.
const ORIGIN_HANDLE_AT = 21

/** Only overlayfs itself writes `trusted.overlay.*`; the handle in it survives everything a container can do. */
function isCopyOf(upper: number, lower: number): boolean {
  const length = getXattrAt(upper, '', 'trusted.overlay.origin', xattr)
  const handle = fileHandle(lower)
  return (
    handle !== null &&
    length > ORIGIN_HANDLE_AT &&
    xattr.bytes.subarray(ORIGIN_HANDLE_AT, length).equals(handle.data)
  )
}

function sameCapabilities(fd: number, lower: number): boolean {
  return capabilities(fd) === capabilities(lower)
}

function capabilities(fd: number): string {
  const length = getXattrAt(fd, '', 'security.capability', xattr)
  return length <= 0 ? '' : xattr.bytes.toString('latin1', 0, length)
}

const left = Buffer.alloc(CHUNK_BYTES)
const right = Buffer.alloc(CHUNK_BYTES)

function* sameContent(fd: number, lower: number): Generator<undefined, boolean> {
  for (let position = 0; ; position += CHUNK_BYTES) {
    const at = position
    const length = withReadable(fd, (readable) => readSync(readable, left, 0, CHUNK_BYTES, at))
    const other = readSync(lower, right, 0, CHUNK_BYTES, position)
    if (length !== other || !left.subarray(0, length).equals(right.subarray(0, length))) return false
    if (length < CHUNK_BYTES) return true
    yield
  }
}
