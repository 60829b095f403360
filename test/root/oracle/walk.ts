import { createHash } from 'node:crypto'
import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { xattrs } from './kernel-calls.ts'

/** One entry as a plain look at a mounted tree shows it. */
export interface Seen {
  readonly stat: BigIntStats
  readonly type: string
  /** SHA-256 of a file, target of a link, number of a device. */
  readonly substance: string
  readonly xattrs: ReadonlyMap<string, string>
}

/** By path, `latin1`, "/" for the root. */
export type Tree = ReadonlyMap<string, Seen>

/** Everything below a folder, by full paths and plain calls. */
export function walk(root: string): Tree {
  const tree = new Map<string, Seen>()
  const visit = (path: string) => {
    const real = Buffer.concat([Buffer.from(root), Buffer.from(path, 'latin1')])
    const seen = look(real)
    tree.set(path === '' ? '/' : path, seen)
    if (seen.type !== 'directory') return
    for (const name of readdirSync(real, { encoding: 'buffer' })) visit(`${path}/${name.toString('latin1')}`)
  }
  visit('')
  return tree
}

function look(path: Buffer): Seen {
  const stat = lstatSync(path, { bigint: true })
  const type = typeOf(stat)
  return { stat, type, substance: substanceOf(path, type, stat), xattrs: xattrs(path) }
}

function substanceOf(path: Buffer, type: string, stat: BigIntStats): string {
  if (type === 'file') return createHash('sha256').update(readFileSync(path)).digest('hex')
  if (type === 'symlink') return readlinkSync(path, { encoding: 'latin1' })
  return type.endsWith('-device') ? String(stat.rdev) : ''
}

function typeOf(stat: BigIntStats): string {
  if (stat.isFile()) return 'file'
  if (stat.isDirectory()) return 'directory'
  if (stat.isSymbolicLink()) return 'symlink'
  if (stat.isCharacterDevice()) return 'character-device'
  if (stat.isBlockDevice()) return 'block-device'
  return stat.isFIFO() ? 'fifo' : 'socket'
}

export interface ExpectedChange {
  readonly kind: string
  readonly type: string
  readonly xattrs: readonly string[]
}

/** The difference of two trees, path by path: what docs/layer-directory.md promises, written down once more. */
export function difference(lower: Tree, merged: Tree): ReadonlyMap<string, ExpectedChange> {
  const changes = new Map<string, ExpectedChange>()
  for (const [path, now] of merged) {
    const was = lower.get(path)
    const kind = was === undefined ? 'added' : kindOf(path, was, now)
    if (kind !== null) changes.set(path, { kind, type: now.type, xattrs: xattrDifference(was, now) })
  }
  for (const [path, was] of lower) {
    // Once for the topmost: what was in a directory that is gone is not told one by one.
    if (merged.has(path) || merged.get(parentOf(path))?.type !== 'directory') continue
    changes.set(path, { kind: 'deleted', type: was.type, xattrs: [] })
  }
  return changes
}

function kindOf(path: string, was: Seen, now: Seen): string | null {
  if (was.type !== now.type) return 'replaced'
  // A directory keeps its inode number when it is copied up, but for the root, which never is.
  if (was.type === 'directory' && was.stat.ino !== now.stat.ino && path !== '/') return 'replaced'
  if (was.substance !== now.substance) return 'modified'
  const sameTime = was.type === 'directory' || was.stat.mtimeNs === now.stat.mtimeNs
  const same =
    was.stat.mode === now.stat.mode && was.stat.uid === now.stat.uid && was.stat.gid === now.stat.gid
  return same && sameTime && xattrDifference(was, now).length === 0 ? null : 'metadata'
}

function xattrDifference(was: Seen | undefined, now: Seen): readonly string[] {
  const names = new Set([...(was?.xattrs.keys() ?? []), ...now.xattrs.keys()])
  return [...names].filter((name) => was?.xattrs.get(name) !== now.xattrs.get(name)).sort()
}

function parentOf(path: string): string {
  return path.lastIndexOf('/') <= 0 ? '/' : path.slice(0, path.lastIndexOf('/'))
}
