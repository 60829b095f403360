import type { BytePath } from '../lib/byte-path.ts'
import type { Entry, Layer } from './change.ts'
import { linkTarget, xattrValues } from './compare.ts'
import { openContent } from './content.ts'
import type { Directory } from './directories.ts'
import { isEmptyFile, isWhiteoutDevice, readEntry } from './entry.ts'
import { type Found, lookUp, lookUpRoot, NO_STACK, xattrsAt } from './look-up.ts'
import { type OpenLayer, openLayer } from './open-layer.ts'
import { readMarks } from './overlay-xattrs.ts'
import { UnreadableError } from './unreadable.ts'

/** Which view of a container: the image's with the engine's init layer, or the container's own. */
export type Side = 'baseline' | 'now'

/**
 * What stands at a path, without following any link on the way or at its end: below a link there is nothing.
 * @param path inside the container
 * @returns null where nothing is there
 * @throws UnreadableError
 */
export function lookUpPath(open: OpenLayer, side: Side, path: BytePath): Found | null {
  let upper = side === 'now' ? open.upper : null
  if (path === '/') return upper === null ? lookUpRoot(open) : upperRoot(open)
  // On the way to another, of the root only its layers are needed.
  let found: Found | null = { ...ROOT, place: { directory: open.upper, name: '' }, stack: open.lowers }
  for (const name of path.split('/')) {
    if (name === '') continue
    if (found?.entry.type !== 'directory') return null
    const next: Step | null = upper === null ? null : lookUpUpper(open, upper, found.stack, name)
    found = next === null ? lookUp(open, found.stack, name) : next.found
    upper = next?.upper ?? null
  }
  return found
}

const ROOT: Pick<Found, 'entry' | 'xattrs' | 'content'> = {
  entry: {
    type: 'directory',
    mode: 0o40755,
    uid: 0,
    gid: 0,
    sizeBytes: 0,
    mtimeNs: 0n,
    inode: 0n,
    device: 0,
    links: 1,
    rdev: 0,
  },
  xattrs: [],
  content: null,
}

interface Step {
  /** Null where the layer directory says that nothing is there. */
  readonly found: Found | null
  readonly upper: Directory | null
}

/** Null where the layer directory says nothing of the name. */
function lookUpUpper(
  open: OpenLayer,
  upper: Directory,
  stack: readonly Directory[],
  name: string,
): Step | null {
  const { directories, stat, layer } = open
  const answer = directories.statName(upper, name, stat)
  if (answer === -2 || answer === -36) return null
  if (answer < 0) throw new UnreadableError(answer)
  const mayBeWhiteout = isEmptyFile(stat)
  if (isWhiteoutDevice(stat)) return { found: null, upper: null }
  const entry = readEntry(stat)
  const xattrs = xattrsAt(open, upper, name)
  const marks = readMarks(directories.fd(upper), name, xattrs, layer.xattrPrefix)
  if (mayBeWhiteout && marks.whiteout) return { found: null, upper: null }
  const place = { directory: upper, name }
  const target = marks.redirect ?? name
  if (entry.type !== 'directory') {
    const content = marks.metacopy ? (lookUp(open, stack, target, 'metacopy')?.content ?? null) : place
    const found = { entry, place, xattrs, stack: NO_STACK, content: entry.type === 'file' ? content : null }
    return { found, upper: null }
  }
  const directory = directories.child(upper, name)
  if (typeof directory === 'number') throw new UnreadableError(directory)
  const below = marks.opaque ? NO_STACK : (lookUp(open, stack, target, 'directory')?.stack ?? NO_STACK)
  return { found: { entry, place, xattrs, stack: below, content: null }, upper: directory }
}

function upperRoot(open: OpenLayer): Found {
  const answer = open.directories.statName(open.upper, '.', open.stat)
  if (answer < 0) throw new UnreadableError(answer)
  const place = { directory: open.upper, name: '' }
  const entry = readEntry(open.stat)
  return { entry, place, xattrs: xattrsAt(open, open.upper, ''), stack: open.lowers, content: null }
}

/** One entry of one side, with what can be read of it while it is open. To be disposed of. */
export interface OpenEntry extends Disposable {
  readonly entry: Entry
  /** The xattrs that a container sees, with their values. */
  xattrs(): ReadonlyMap<string, Buffer>
  /** Of a symbolic link: where it points. */
  target(): Buffer
  /** A descriptor on the content of a regular file, for the caller to close. @throws UnreadableError */
  content(): number
}

/**
 * Opens what stands at a path in the baseline or in the container, through the layers alone, never through the container.
 * @returns null where nothing is there
 * @throws UserError where the layer cannot be opened, UnreadableError where the entry cannot be read
 */
export function openEntry(layer: Layer, side: Side, path: BytePath): OpenEntry | null {
  const open = openLayer(layer)
  try {
    const found = lookUpPath(open, side, path)
    if (found !== null) return opened(open, found)
  } catch (error) {
    open[Symbol.dispose]()
    throw error
  }
  open[Symbol.dispose]()
  return null
}

function opened(open: OpenLayer, found: Found): OpenEntry {
  return {
    entry: found.entry,
    xattrs: () => xattrValues(open, found),
    target: () => linkTarget(open, found.place),
    content() {
      if (found.content === null) throw new UnreadableError('it has no content that could be read')
      return openContent(open, found.content)
    },
    [Symbol.dispose]: () => open[Symbol.dispose](),
  }
}
