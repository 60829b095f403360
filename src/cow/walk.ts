import type { BytePath } from '../lib/byte-path.ts'
import type { Change, Unreadable } from './change.ts'
import { changeOf } from './change-of.ts'
import { compare, type Difference } from './compare.ts'
import type { Directory } from './directories.ts'
import type { Found } from './look-up.ts'
import type { OpenLayer } from './open-layer.ts'
import type { PathBuffer } from './path-buffer.ts'
import { unreadableReason } from './unreadable.ts'

/** One change, and where what it speaks of lies while the layer is open. */
export interface Decoded {
  readonly change: Change
  readonly now: Found | null
  readonly was: Found | null
}

/** What a walk through a layer directory asks and tells as it goes. */
export interface DecodeSink {
  /**
   * Whether the xattrs of every added entry are read, which costs a system call each; else those of directories
   * and of files with an execute bit, so that file capabilities are never missed.
   */
  readonly readsAllXattrs: boolean
  /** Whether this name needs no look at what it is: it is only counted. */
  skipsName(path: BytePath): boolean
  /** Whether nothing below this directory needs a look: all of it is only counted. */
  skipsBelow(directory: BytePath): boolean
  skipped(count: number): void
  change(decoded: Decoded): void
  unreadable(unreadable: Unreadable): void
}

/** A walk, as far as it has come. */
export interface Walk {
  readonly open: OpenLayer
  readonly sink: DecodeSink
  readonly path: PathBuffer
  /** The directories from the root to where it stands. */
  readonly frames: Frame[]
}

/** One directory on the way, with what must be known to decode its entries. */
export interface Frame {
  /** In the layer directory; null where only lower layers show through a redirect above. */
  readonly upper: Directory | null
  /** The lower directories that show through it now, top first. */
  readonly now: readonly Directory[]
  /** Those that were at this path: the very same array as `now` unless something was opaque or redirected. */
  readonly was: readonly Directory[]
  /** Length of the path of the directory above. */
  readonly parentLength: number
  /** Everything below is expected: count, look at nothing. */
  readonly counting: boolean
  /** Whether whiteouts of the second form may stand in it (`overlay.opaque=x`). */
  readonly xattrWhiteouts: boolean
  /** What is read: the layer directory and, where `now` is not `was`, the directories of both. */
  readonly sources: readonly Source[]
  /** Which source is being read, and how far. */
  source: number
  offset: bigint
  /** Subdirectories seen and not yet gone into, and on which side. */
  readonly names: string[]
  side: Source['side']
}

export interface Source {
  readonly side: 'upper' | 'now' | 'was'
  readonly directory: Directory
}

/** What stands at a path now and what was there. */
export interface Pair {
  readonly now: Found | null
  readonly was: Found | null
  /** Of two directories: whether they are not the same one. */
  readonly isOther: boolean
}

/** Compares a pair where there are two to compare, and tells of it. */
export function* settle(walk: Walk, path: BytePath, pair: Pair): Generator<undefined, void> {
  const { now, was } = pair
  if (now === null || was === null) {
    tell(walk, path, pair, null)
    return
  }
  const difference = yield* compare(walk.open, now, was)
  if (pair.isOther) tell(walk, path, pair, { kind: 'replaced', xattrs: difference?.xattrs ?? [] })
  else if (difference !== null) tell(walk, path, pair, difference)
}

/** @param difference null where only one of the two is there */
export function tell(
  { open, sink }: Walk,
  path: BytePath,
  { now, was }: Pair,
  difference: Difference | null,
): void {
  const change = changeOf(open, path, now, was, difference)
  if (change !== null) sink.change({ change, now, was })
}

/** What could not be read is data; what is only gone meanwhile is nothing; anything else is a bug. */
export function report({ sink }: Walk, path: BytePath, error: unknown): void {
  const reason = unreadableReason(error)
  if (reason === null) throw error
  if (!reason.isGone) sink.unreadable({ path, error: reason.text })
}

/** Closes directories that a look-up opened and nobody goes into. */
export function letGo({ directories }: OpenLayer, stack: readonly Directory[]): void {
  for (const directory of stack) directories.release(directory)
}
