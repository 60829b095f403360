import { close, readLinkAt } from '../lib/libc/files.ts'
import { allocate } from '../lib/libc/library.ts'
import type { ChangeKind } from './change.ts'
import { openContent, sameContent } from './content.ts'
import type { Found, Place } from './look-up.ts'
import type { OpenLayer } from './open-layer.ts'
import { hasVisibleXattrs, visibleXattr, visibleXattrs } from './overlay-xattrs.ts'
import { UnreadableError } from './unreadable.ts'

/** How what is there now differs from the baseline. */
export interface Difference {
  readonly kind: ChangeKind
  /** The xattrs that differ, by the names a container sees. */
  readonly xattrs: readonly string[]
}

const NO_XATTRS: readonly string[] = []

/**
 * Compares what is there now with what was. Times count for all but directories, whose times change with what they hold;
 * inode numbers and link counts do not: a copy-up changes both.
 * @returns null where nothing differs
 */
export function* compare(open: OpenLayer, now: Found, was: Found): Generator<undefined, Difference | null> {
  const xattrs = differingXattrs(open, now, was)
  if (now.entry.type !== was.entry.type) return { kind: 'replaced', xattrs }
  if (!(yield* sameSubstance(open, now, was))) return { kind: 'modified', xattrs }
  const sameMetadata =
    now.entry.mode === was.entry.mode &&
    now.entry.uid === was.entry.uid &&
    now.entry.gid === was.entry.gid &&
    (now.entry.mtimeNs === was.entry.mtimeNs || now.entry.type === 'directory') &&
    xattrs.length === 0
  return sameMetadata ? null : { kind: 'metadata', xattrs }
}

/** What a file holds, where a link points, which device a node is. */
function* sameSubstance(open: OpenLayer, now: Found, was: Found): Generator<undefined, boolean> {
  switch (now.entry.type) {
    case 'file':
      return yield* sameFileContent(open, now, was)
    case 'symlink':
      return linkTarget(open, now.place).equals(linkTarget(open, was.place))
    case 'character-device':
    case 'block-device':
      return now.entry.rdev === was.entry.rdev
    case 'directory':
    case 'fifo':
    case 'socket':
      return true
  }
}

function* sameFileContent(open: OpenLayer, now: Found, was: Found): Generator<undefined, boolean> {
  if (now.entry.sizeBytes !== was.entry.sizeBytes) return false
  if (now.entry.sizeBytes === 0 || isSamePlace(now.content, was.content)) return true
  if (now.content === null || was.content === null) {
    throw new UnreadableError('its content lies in a lower layer that does not have it')
  }
  const left = openContent(open, now.content)
  try {
    const right = openContent(open, was.content)
    try {
      return yield* sameContent(left, right)
    } finally {
      close(right)
    }
  } finally {
    close(left)
  }
}

function isSamePlace(left: Place | null, right: Place | null): boolean {
  if (left === null || right === null || left.name !== right.name) return false
  const [one, other] = [left.directory, right.directory]
  return one === other || (one.inode === other.inode && one.device === other.device)
}

const link = allocate(65_536)

/** The bytes of a link's target. @throws UnreadableError */
export function linkTarget(open: OpenLayer, { directory, name }: Place): Buffer {
  const answer = readLinkAt(open.directories.fd(directory), name, link)
  if (answer < 0) throw new UnreadableError(answer)
  return Buffer.from(link.bytes.subarray(0, answer))
}

function differingXattrs(open: OpenLayer, now: Found, was: Found): readonly string[] {
  const prefix = open.layer.xattrPrefix
  if (!hasVisibleXattrs(now.xattrs, prefix) && !hasVisibleXattrs(was.xattrs, prefix)) return NO_XATTRS
  const left = xattrValues(open, now)
  const right = xattrValues(open, was)
  const names = new Set([...left.keys(), ...right.keys()])
  return [...names].filter((name) => !isSameValue(left.get(name), right.get(name))).sort()
}

export function xattrValues(open: OpenLayer, { place, xattrs }: Found): ReadonlyMap<string, Buffer> {
  return visibleXattrs(open.directories.fd(place.directory), place.name, xattrs, open.layer.xattrPrefix)
}

function isSameValue(left: Buffer | undefined, right: Buffer | undefined): boolean {
  return left !== undefined && right !== undefined && left.equals(right)
}

/** The names of its xattrs as a container sees them. */
export function visibleNames({ layer }: OpenLayer, { xattrs }: Found): readonly string[] {
  if (!hasVisibleXattrs(xattrs, layer.xattrPrefix)) return NO_XATTRS
  return xattrs
    .map((xattr) => visibleXattr(xattr, layer.xattrPrefix))
    .filter((name) => name !== null)
    .sort()
}
