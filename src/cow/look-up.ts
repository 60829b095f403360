import { readEntries, seek, statAt } from '../lib/libc/files.ts'
import { allocate } from '../lib/libc/library.ts'
import type { Entry } from './change.ts'
import type { Directory } from './directories.ts'
import { eachName } from './dirents.ts'
import { isDirectory, isEmptyFile, isWhiteoutDevice, readEntry } from './entry.ts'
import type { OpenLayer } from './open-layer.ts'
import { type Marks, NO_MARKS, readMarks, storedXattrs } from './overlay-xattrs.ts'
import { UnreadableError } from './unreadable.ts'

/** Where an inode lies: a name in a directory of one layer. */
export interface Place {
  readonly directory: Directory
  /** Empty for a layer's root. */
  readonly name: string
}

/** What a stack of lower directories shows at one name. */
export interface Found {
  readonly entry: Entry
  /** Where its inode lies. */
  readonly place: Place
  /** Its xattrs as stored. */
  readonly xattrs: readonly string[]
  /** Of a directory: those merged in it, top first. Empty for all else. */
  readonly stack: readonly Directory[]
  /** Of a regular file: where its content lies, which differs from `place` for metacopy; null where it is missing. */
  readonly content: Place | null
}

/** State of one look-up, while it goes from layer to layer (kernel: struct ovl_lookup_data in fs/overlayfs/namei.c). */
interface LookUp {
  /** What to look for: one name in the parent's directories, or a path from the layers' roots. */
  target: string
  directoryFound: boolean
  /** The file found so far has no data of its own. */
  metacopy: boolean
  stop: boolean
}

export const NO_STACK: readonly Directory[] = []

/**
 * What `stack` shows at `target`, by the rules of overlayfs: whiteouts and opaque directories hide what is below,
 * directories merge, redirects lead elsewhere, metacopy files have their content further below.
 * @param stack lower directories, top first
 * @param target one name in them, or an absolute path (of a redirect) looked for in all lower layers
 * @param above what was found on top of `stack`: it decides what may merge with it
 * @throws UnreadableError
 */
export function lookUp(
  open: OpenLayer,
  stack: readonly Directory[],
  target: string,
  above: 'nothing' | 'directory' | 'metacopy' = 'nothing',
): Found | null {
  if (stack.length === 0 && !target.startsWith('/')) return null
  const state: LookUp = {
    target,
    directoryFound: above === 'directory',
    metacopy: above === 'metacopy',
    stop: false,
  }
  let first: Hit | null = null
  let last: Hit | null = null
  const merged: Directory[] = []
  let bases = target.startsWith('/') ? open.lowers : stack
  for (let index = 0; !state.stop && index < bases.length; index++) {
    const base = bases[index]
    if (base === undefined) break
    const hit = lookUpInLayer(open, base, state)
    if (hit === null) continue
    first ??= hit
    last = hit
    if (hit.directory !== null) merged.push(hit.directory)
    if (state.target.startsWith('/') && bases !== open.lowers) {
      bases = open.lowers
      index = bases.findIndex(({ layer }) => layer === base.layer)
    }
  }
  if (first === null || last === null) return null
  const content = first.entry.type !== 'file' ? null : state.metacopy ? dataPlace(open, state) : last.place
  return { entry: first.entry, place: first.place, xattrs: first.xattrs, stack: merged, content }
}

interface Hit {
  readonly entry: Entry
  readonly place: Place
  readonly xattrs: readonly string[]
  readonly directory: Directory | null
}

/** One layer: a name in `base`, or, for a path, name by name from `base`, its root. */
function lookUpInLayer(open: OpenLayer, base: Directory, state: LookUp): Hit | null {
  if (!state.target.startsWith('/')) return lookUpName(open, base, state, state.target, '', '')
  let directory = base
  // What is still to go may grow or shrink by a redirect on the way; it is counted from the end, which stays.
  let rest = state.target.slice(1)
  for (;;) {
    const slash = rest.indexOf('/')
    const name = slash < 0 ? rest : rest.slice(0, slash)
    const after = slash < 0 ? '' : rest.slice(slash)
    const before = state.target.slice(0, state.target.length - rest.length)
    const hit = lookUpName(open, directory, state, name, before, after)
    if (hit === null || after === '') return hit
    if (hit.directory === null) return null
    directory = hit.directory
    rest = after.slice(1)
  }
}

function lookUpName(
  open: OpenLayer,
  base: Directory,
  state: LookUp,
  name: string,
  before: string,
  after: string,
): Hit | null {
  const isLast = after === ''
  if (isMissing(open, base, name)) return null
  const { directories, stat, layer } = open
  const answer = directories.statName(base, name, stat)
  if (answer === -2 || answer === -36) return null
  if (answer < 0) throw new UnreadableError(answer)
  const isWhiteout = isWhiteoutDevice(stat)
  const mayBeWhiteout = isEmptyFile(stat)
  const entry = readEntry(stat)
  const xattrs = isWhiteout ? [] : xattrsAt(open, base, name)
  const marks: Marks =
    xattrs.length === 0 ? NO_MARKS : readMarks(directories.fd(base), name, xattrs, layer.xattrPrefix)
  if (isWhiteout || (mayBeWhiteout && marks.whiteout)) {
    state.stop = true
    return null
  }
  const place = { directory: base, name }
  if (entry.type !== 'directory') {
    if (state.directoryFound || !isLast || (state.metacopy && entry.type !== 'file')) {
      state.stop = true
      return null
    }
    state.metacopy = marks.metacopy && entry.type === 'file'
    state.stop = !state.metacopy
    if (state.metacopy) follow(state, marks.redirect, before, after)
    return { entry, place, xattrs, directory: null }
  }
  if (isLast && state.metacopy) {
    state.stop = true
    return null
  }
  const directory = directories.child(base, name)
  if (typeof directory === 'number') throw new UnreadableError(directory)
  if (isLast) state.directoryFound = true
  if (marks.opaque) state.stop = true
  else follow(state, marks.redirect, before, after)
  return { entry, place, xattrs, directory }
}

/** A redirect changes what is looked for in the layers below: an absolute one all of it, a name only itself. */
function follow(state: LookUp, redirect: string | null, before: string, after: string): void {
  if (redirect === null) return
  if (redirect.startsWith('/')) {
    state.stop = false
    state.target = redirect + after
  } else {
    state.target = before + redirect + after
  }
}

/** The data-only layers hold no tree of their own: the redirect's path names the content in one of them. */
function dataPlace(open: OpenLayer, state: LookUp): Place | null {
  if (!state.target.startsWith('/')) return null
  const names = state.target.slice(1).split('/')
  const name = names.pop() ?? ''
  for (const root of open.dataLowers) {
    let directory: Directory | number = root
    for (const step of names) {
      directory = open.directories.child(directory, step)
      if (typeof directory === 'number') break
    }
    if (typeof directory === 'number') continue
    if (open.directories.statName(directory, name, open.stat) === 0 && !isDirectory(open.stat))
      return { directory, name }
  }
  return null
}

/** @throws UnreadableError */
export function xattrsAt(open: OpenLayer, directory: Directory, name: string): readonly string[] {
  const stored = storedXattrs(open.directories.fd(directory), name)
  if (typeof stored !== 'number') return stored
  // Gone since it was looked at: the next look tells.
  if (stored === -2) return []
  throw new UnreadableError(stored)
}

const OFTEN = 16
const FEW_NAMES = 4096
const listing = allocate(32_768)

/**
 * Whether a lower directory is known not to have `name`. Most of what a container adds is new, in few directories: from
 * the 16th question on, a directory of few names is read once and then answers without a system call.
 */
function isMissing(open: OpenLayer, directory: Directory, name: string): boolean {
  if (directory.names !== null) return !directory.names.has(name)
  directory.lookUps++
  if (directory.lookUps !== OFTEN) return false
  const names = new Set<string>()
  const fd = open.directories.fd(directory)
  if (seek(fd, 0, 0) < 0) return false
  for (;;) {
    const answer = readEntries(fd, listing)
    if (answer < 0 || names.size > FEW_NAMES) return false
    if (answer === 0) break
    eachName(listing.bytes, answer, (start, end) => names.add(listing.bytes.toString('latin1', start, end)))
  }
  directory.names = names
  return !names.has(name)
}

/** What the roots of the lower layers show at "/". */
export function lookUpRoot(open: OpenLayer): Found {
  const top = open.lowers[0]
  if (top === undefined) throw new Error('a layer without a lower layer')
  const answer = statAt(open.directories.fd(top), '.', open.stat)
  if (answer < 0) throw new UnreadableError(answer)
  return {
    entry: readEntry(open.stat),
    place: { directory: top, name: '' },
    xattrs: xattrsAt(open, top, ''),
    stack: open.lowers,
    content: null,
  }
}
