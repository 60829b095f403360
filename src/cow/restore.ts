import { constants, ftruncateSync, fstatSync, readSync, writeSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { close, O_PATH, openAt, seek, statAt, statBuffer, statFd } from '../lib/libc/files.ts'
import {
  chmodFd,
  chownFd,
  createAt,
  makeNodeAt,
  removeXattrFd,
  renameAt,
  setTimeFd,
  setXattrFd,
  symlinkAt,
  unlinkAt,
} from '../lib/libc/write-files.ts'
import type { Layer } from './change.ts'
import { type ContainerRoot, openContainerRoot, temporaryName } from './container-root.ts'
import { inodeOf, isDirectory, readEntry } from './entry.ts'
import { openEntry, type OpenEntry } from './look-up-path.ts'
import { storedXattrs } from './overlay-xattrs.ts'
import { removeTree } from './remove-tree.ts'
import type { RestorePlan, RestoreStep } from './restore-plan.ts'
import { unreadableReason, UnreadableError } from './unreadable.ts'

/** What became of one step. */
export interface RestoreOutcome {
  readonly step: RestoreStep
  /** Null where it was done. */
  readonly error: string | null
}

/**
 * Carries a plan out through the container's own root, never in the mounted layer directory, whose change from outside is
 * undefined. One step that fails does not hold up the others. The image's content is made under a temporary name
 * beside, and put in place by one rename. Gives others of this process their turn.
 * @param signal once it is aborted, what is not done yet is left undone, and says so
 * @throws UserError where the container's root cannot be written at all
 */
export async function carryOut(
  layer: Layer,
  plan: RestorePlan,
  signal?: AbortSignal,
): Promise<readonly RestoreOutcome[]> {
  if (plan.refused.length > 0) throw new Error('a plan with refusals is not carried out')
  using root = openContainerRoot(layer)
  const outcomes: RestoreOutcome[] = []
  for (const step of plan.steps)
    outcomes.push({ step, error: await carryOutStep(workOf(layer, root, step), signal) })
  return outcomes
}

const TURN_MS = 15

async function carryOutStep(work: Generator<undefined>, signal?: AbortSignal): Promise<string | null> {
  try {
    let ends = 0
    for (let piece = work.next(); piece.done !== true;) {
      if (performance.now() >= ends) {
        await setImmediate()
        ends = performance.now() + TURN_MS
      }
      // It takes away what it had begun, and throws on.
      piece = signal?.aborted === true ? work.throw(new UnreadableError('interrupted')) : work.next()
    }
    return null
  } catch (error) {
    const reason = unreadableReason(error)
    if (reason === null) throw error
    return reason.text
  }
}

/** What a step does, in pieces. */
function* workOf(layer: Layer, root: ContainerRoot, { act, change }: RestoreStep): Generator<undefined> {
  yield
  const { fd, name } = root.openParent(change.path)
  try {
    root.refuseMount(fd, name)
    if (act === 'remove') {
      yield* remove(root, fd, name)
      return
    }
    using was = openEntry(layer, 'baseline', change.path)
    if (was === null) throw new UnreadableError('the image does not have it')
    if (act === 'recreate') yield* recreate(root, { fd, name }, was)
    else setFolder(root, { fd, name }, was)
  } finally {
    close(fd)
  }
}

interface Spot {
  readonly fd: number
  readonly name: string
}

function* remove(root: ContainerRoot, fd: number, name: string): Generator<undefined> {
  const stat = statBuffer()
  const answer = statAt(fd, name, stat)
  // What is gone already needs no removing.
  if (answer === -2) return
  must(answer)
  if (isDirectory(stat)) yield* removeTree(root, fd, name)
  else must(unlinkAt(fd, name))
}

function* recreate(root: ContainerRoot, { fd, name }: Spot, was: OpenEntry): Generator<undefined> {
  const temporary = temporaryName()
  const stat = statBuffer()
  try {
    const made = yield* make(fd, temporary, was)
    if (statAt(fd, name, stat) === 0 && isDirectory(stat)) yield* removeTree(root, fd, name)
    must(renameAt(fd, temporary, fd, name, true))
    must(statAt(fd, name, stat))
    if (inodeOf(stat) !== made) throw new UnreadableError(REPLACED_MEANWHILE)
  } finally {
    unlinkAt(fd, temporary)
  }
}

/**
 * Makes the entry anew under a name that nothing has, with all that the image says of it. Owner, mode and attributes
 * are set on what was made and on nothing that an intruder put under its name meanwhile.
 * @returns its inode
 */
function* make(dir: number, name: string, was: OpenEntry): Generator<undefined, bigint> {
  const { type, mode, rdev } = was.entry
  if (type === 'directory') throw new UnreadableError('a folder is not made anew')
  if (type === 'file') return yield* makeFile(dir, name, was)
  if (type === 'symlink') must(symlinkAt(was.target().toString('latin1'), dir, name))
  else must(makeNodeAt(dir, name, mode, rdev))
  const handle = openAt(dir, name, O_PATH | constants.O_NOFOLLOW)
  must(handle)
  try {
    return setMetadata(handle, was)
  } finally {
    close(handle)
  }
}

function* makeFile(dir: number, name: string, was: OpenEntry): Generator<undefined, bigint> {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  const fd = createAt(dir, name, 0o600, flags)
  must(fd)
  try {
    const from = was.content()
    try {
      yield* copyContent(from, fd)
    } finally {
      close(from)
    }
    return setMetadata(fd, was)
  } finally {
    close(fd)
  }
}

const REPLACED_MEANWHILE =
  'something else was put in its place meanwhile: pause the container, then try again'
/** Written by the host's kernel by itself. */
const HOSTS_OWN: ReadonlySet<string> = new Set(['security.selinux'])
const PIECE_BYTES = 262_144
const SEEK_DATA = 3

/** Holes stay holes. */
function* copyContent(from: number, to: number): Generator<undefined> {
  const size = fstatSync(from).size
  const piece = Buffer.allocUnsafe(PIECE_BYTES)
  for (let at = 0; at < size;) {
    const data = seek(from, at, SEEK_DATA)
    if (data === -6) break
    if (data > at) at = data
    const length = readSync(from, piece, 0, PIECE_BYTES, at)
    if (length === 0) break
    for (let written = 0; written < length;)
      written += writeSync(to, piece, written, length - written, at + written)
    at += length
    yield
  }
  ftruncateSync(to, size)
}

function setFolder(root: ContainerRoot, { fd, name }: Spot, was: OpenEntry): void {
  const handle = openAt(fd, name, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  must(handle)
  try {
    root.refuseMount(handle, '')
    setMetadata(handle, was)
  } finally {
    close(handle)
  }
}

/**
 * Sets what the image says on what is open, where that is still of its type and has this one name.
 * @returns its inode
 */
function setMetadata(handle: number, was: OpenEntry): bigint {
  const { type, uid, gid, mode, rdev, mtimeNs } = was.entry
  const stat = statBuffer()
  must(statFd(handle, stat))
  const now = readEntry(stat)
  if (now.type !== type || now.rdev !== rdev || (type !== 'directory' && now.links > 1))
    throw new UnreadableError(REPLACED_MEANWHILE)
  // In this order: a change of owner takes away setuid bits and capabilities.
  must(chownFd(handle, uid, gid))
  if (type !== 'symlink') must(chmodFd(handle, mode))
  setXattrs(handle, was.xattrs())
  must(setTimeFd(handle, mtimeNs))
  return now.inode
}

function setXattrs(handle: number, was: ReadonlyMap<string, Buffer>): void {
  const names = storedXattrs(handle, '')
  if (typeof names === 'number') throw new UnreadableError(names)
  for (const name of names) if (!was.has(name) && !HOSTS_OWN.has(name)) must(removeXattrFd(handle, name))
  for (const [name, value] of was) must(setXattrFd(handle, name, value))
}

function must(answer: number): void {
  if (answer < 0) throw new UnreadableError(answer)
}
