import { folderFor, type Inode, type NodeType, put, remove, type TreeNode } from './image-tree.ts'
import type { Spool } from './spool.ts'
import { readTar, type TarEntry } from './tar-read.ts'
import { refuse } from './tar-header.ts'

const WHITEOUT = '.wh.'
const OPAQUE = '.wh..wh..opq'
const DEEPEST = 1000

/**
 * Lays one layer's tar over what lies beneath, as the image specification says (OCI image-spec, layer.md): whiteouts
 * take away what lower layers have, never what the same layer brings.
 */
export function mergeLayer(root: TreeNode, spool: Spool, start: number, sizeBytes: number): void {
  /** What this layer brought itself. */
  const fresh = new Set<TreeNode>()
  for (const entry of readTar(spool, start, sizeBytes)) {
    const names = namesOf(entry.name)
    const name = names.pop()
    if (name === undefined) {
      if (entry.type === 'directory') root.inode = inodeOf(entry, spool, 'directory')
      continue
    }
    if (name.startsWith(WHITEOUT)) {
      whiteOut(folderFor(root, names), name, fresh)
      continue
    }
    // What an overlay file system takes for "deleted" is the engine's to write, never an image's.
    if (entry.type === 'character-device' && entry.major === 0 && entry.minor === 0) {
      folderFor(root, names)
      continue
    }
    const parent = folderFor(root, names)
    const inode = entry.type === 'hard-link' ? linked(root, entry) : inodeOf(entry, spool, entry.type)
    fresh.add(put(parent, name, inode))
    let depth = 1
    for (let at = parent; at.parent !== null; at = at.parent, depth++) fresh.add(at)
    // Through links an entry may lie deeper than its name says.
    if (depth > DEEPEST) throw refuse(`it holds folders nested more than ${DEEPEST} deep`)
  }
}

function namesOf(name: string): string[] {
  const names = name.split('/').filter((part) => part !== '' && part !== '.')
  if (names.includes('..')) throw refuse(`it holds an entry named '${name}', which leads out of it`)
  if (names.some((part) => part.length > 255)) throw refuse('it holds a file name longer than 255 bytes')
  if (names.length > DEEPEST) throw refuse(`it holds folders nested more than ${DEEPEST} deep`)
  return names
}

function whiteOut(folder: TreeNode, name: string, fresh: ReadonlySet<TreeNode>): void {
  if (name === OPAQUE) {
    forgetLower(folder, fresh)
    return
  }
  // Others of this form are an old union file system's own (aufs): they mean nothing in a layer.
  if (name.startsWith('.wh..wh.')) return
  const hidden = folder.children.get(name.slice(WHITEOUT.length))
  if (hidden === undefined) return
  if (fresh.has(hidden)) forgetLower(hidden, fresh)
  else remove(hidden)
}

function forgetLower(folder: TreeNode, fresh: ReadonlySet<TreeNode>): void {
  for (const child of [...folder.children.values()]) {
    if (fresh.has(child)) forgetLower(child, fresh)
    else remove(child)
  }
}

/** A hard link's other name, in this layer or beneath; the two are one file from now on. */
function linked(root: TreeNode, entry: TarEntry): Inode {
  const names = namesOf(entry.linkName)
  const name = names.pop() ?? ''
  const target = folderFor(root, names).children.get(name)
  if (target === undefined || target.inode.type === 'directory')
    throw refuse(`it holds a hard link '${entry.name}' to '${entry.linkName}', which is no file in it`)
  return target.inode
}

function inodeOf(entry: TarEntry, spool: Spool, type: NodeType): Inode {
  const content = type === 'file' ? { spool, offset: entry.offset, sizeBytes: entry.sizeBytes } : null
  return {
    type,
    mode: type === 'symlink' ? 0o777 : entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    mtime: entry.mtime,
    content,
    target: type === 'symlink' ? entry.linkName : '',
    major: entry.major,
    minor: entry.minor,
    xattrs: entry.xattrs,
  }
}
