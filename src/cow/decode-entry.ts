import type { BytePath } from '../lib/byte-path.ts'
import type { Directory } from './directories.ts'
import { isEmptyFile, isWhiteoutDevice, readEntry } from './entry.ts'
import { type Found, lookUp, lookUpRoot, NO_STACK, type Place, xattrsAt } from './look-up.ts'
import type { OpenLayer } from './open-layer.ts'
import { type Marks, NO_MARKS, readMarks, storedXattrs } from './overlay-xattrs.ts'
import { LONGEST_PATH_BYTES } from './path-buffer.ts'
import { UnreadableError } from './unreadable.ts'
import { type Frame, letGo, type Pair, type Source, type Walk } from './walk.ts'

const NONE: readonly string[] = []
const EXECUTE_BITS = 0o111
const ENOTDIR = -20

/**
 * An entry of the layer directory that is no directory; `open.stat` tells what it is.
 * @returns null where it says nothing, such as a whiteout over nothing
 */
export function lookAtUpperEntry(walk: Walk, frame: Frame, upper: Directory, name: string): Pair | null {
  const { open, sink } = walk
  const isWhiteout = isWhiteoutDevice(open.stat)
  const mayBeWhiteout = isEmptyFile(open.stat)
  const entry = readEntry(open.stat)
  // `lookUp` writes into `open.stat`.
  const was = frame.was.length === 0 ? null : lookUp(open, frame.was, name)
  if (was !== null) letGo(open, was.stack)
  if (isWhiteout) return gone(was)
  const place: Place = { directory: upper, name }
  const isFile = entry.type === 'file'
  const readsXattrs =
    was !== null ||
    sink.readsAllXattrs ||
    (isFile && (entry.mode & EXECUTE_BITS) !== 0) ||
    (mayBeWhiteout && frame.xattrWhiteouts)
  const xattrs = readsXattrs ? xattrsAt(open, upper, name) : NONE
  const marks = isFile ? marksOf(open, upper, name, xattrs) : NO_MARKS
  if (mayBeWhiteout && marks.whiteout) return gone(was)
  const content = isFile ? (marks.metacopy ? lowerContent(open, frame, name, marks) : place) : null
  return { now: { entry, place, xattrs, stack: NO_STACK, content }, was, isOther: false }
}

function gone(was: Found | null): Pair | null {
  return was === null ? null : { now: null, was, isOther: false }
}

function lowerContent(open: OpenLayer, frame: Frame, name: string, marks: Marks): Place | null {
  return lookUp(open, frame.now, marks.redirect ?? name, 'metacopy')?.content ?? null
}

function marksOf(open: OpenLayer, directory: Directory, name: string, xattrs: readonly string[]): Marks {
  if (xattrs.length === 0) return NO_MARKS
  return readMarks(open.directories.fd(directory), name, xattrs, open.layer.xattrPrefix)
}

/** The layer directory itself, which is the container's "/". */
export function enterRoot(walk: Walk): Pair | null {
  const { open } = walk
  const now = openedUpper(open, open.upper)
  const was = lookUpRoot(open)
  const marks = marksOf(open, open.upper, '', now.xattrs)
  push(walk, '', {
    upper: open.upper,
    now: open.lowers,
    was: open.lowers,
    counting: walk.sink.skipsBelow(walk.path.directory()),
    xattrWhiteouts: marks.xattrWhiteouts,
  })
  return judged(walk, walk.path.directory(), { now: { ...now, stack: open.lowers }, was, isOther: false })
}

/**
 * Goes into a directory of the layer directory.
 * @returns what to compare and tell of the directory itself
 */
export function enterUpper(walk: Walk, frame: Frame, name: string): Pair | null {
  const { open, sink } = walk
  if (frame.upper === null) return null
  const upper = open.directories.child(frame.upper, name)
  if (typeof upper === 'number') {
    if (upper !== ENOTDIR) throw new UnreadableError(upper)
    // Something else was put in its place since its name was read.
    const answer = open.directories.statName(frame.upper, name, open.stat)
    if (answer < 0) throw new UnreadableError(answer)
    return lookAtUpperEntry(walk, frame, frame.upper, name)
  }
  if (frame.counting) {
    push(walk, name, { ...COUNTING, upper })
    return null
  }
  const path = walk.path.named(name)
  if (sink.skipsBelow(path) && sink.skipsName(path)) {
    sink.skipped(1)
    push(walk, name, { ...COUNTING, upper })
    return null
  }
  const found = openedUpper(open, upper)
  const marks = marksOf(open, upper, '', found.xattrs)
  const was = lookUp(open, frame.was, name)
  const wasStack = was?.stack ?? NO_STACK
  const nowStack = stackBelow(open, frame, name, marks, was)
  const isOther = was?.entry.type === 'directory' && !isSameStack(nowStack, wasStack)
  push(walk, name, {
    upper,
    now: nowStack,
    was: was?.entry.type === 'directory' && !isOther ? nowStack : wasStack,
    counting: sink.skipsBelow(path),
    xattrWhiteouts: marks.xattrWhiteouts,
  })
  return judged(walk, path, { now: { ...found, stack: nowStack }, was, isOther })
}

/** The lower directories that show through a directory of the layer directory. */
function stackBelow(
  open: OpenLayer,
  frame: Frame,
  name: string,
  marks: Marks,
  was: Found | null,
): readonly Directory[] {
  if (marks.opaque) return NO_STACK
  if (marks.redirect === null && frame.now === frame.was) return was?.stack ?? NO_STACK
  return lookUp(open, frame.now, marks.redirect ?? name, 'directory')?.stack ?? NO_STACK
}

/** Goes into a directory that shows through from lower layers below a redirect. */
export function enterShown(walk: Walk, frame: Frame, name: string): Pair | null {
  const { open } = walk
  const path = walk.path.named(name)
  const now = lookUp(open, frame.now, name)
  if (now?.entry.type !== 'directory') return null
  const was = lookUp(open, frame.was, name)
  const wasStack = was?.stack ?? NO_STACK
  if (isSameStack(now.stack, wasStack)) {
    letGo(open, now.stack)
    letGo(open, wasStack)
    return null
  }
  push(walk, name, { ...SHOWN, now: now.stack, was: wasStack })
  return judged(walk, path, { now, was, isOther: was?.entry.type === 'directory' })
}

const COUNTING = { now: NO_STACK, was: NO_STACK, counting: true, xattrWhiteouts: false } as const
const SHOWN = { upper: null, counting: false, xattrWhiteouts: false } as const

function openedUpper({ directories }: OpenLayer, directory: Directory): Found {
  const entry = readEntry(directories.opened)
  const xattrs = storedXattrs(directories.fd(directory), '')
  if (typeof xattrs === 'number') throw new UnreadableError(xattrs)
  return { entry, place: { directory, name: '' }, xattrs, stack: NO_STACK, content: null }
}

/** Puts a directory on the walk. One whose path is past all reason is not gone into. */
function push(
  walk: Walk,
  name: string,
  place: Pick<Frame, 'upper' | 'now' | 'was' | 'counting' | 'xattrWhiteouts'>,
): void {
  const { upper, now, was, counting } = place
  const parentLength = walk.path.length
  if (name !== '' && !walk.path.enter(name)) {
    const error = `its path is longer than ${LONGEST_PATH_BYTES} bytes: what is in it was not read`
    walk.sink.unreadable({ path: walk.path.named(name), error })
    if (upper !== null) walk.open.directories.release(upper)
    return
  }
  const sources: Source[] = upper === null ? [] : [{ side: 'upper', directory: upper }]
  if (now !== was && !counting) {
    sources.push(...now.map((directory): Source => ({ side: 'now', directory })))
    sources.push(...was.map((directory): Source => ({ side: 'was', directory })))
  }
  walk.frames.push({ ...place, parentLength, sources, source: 0, offset: 0n, names: [], side: 'upper' })
}

function isSameStack(left: readonly Directory[], right: readonly Directory[]): boolean {
  if (left === right) return true
  if (left.length !== right.length) return false
  return left.every((one, index) => {
    const other = right[index]
    return one.inode === other?.inode && one.device === other.device
  })
}

function judged({ sink }: Walk, path: BytePath, pair: Pair): Pair | null {
  if (!sink.skipsName(path)) return pair
  sink.skipped(1)
  return null
}
