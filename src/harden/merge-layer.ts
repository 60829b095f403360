import { changeInode, folderFor, put, putLink, remove, type TreeNode } from './image-tree.ts'
import type { Inode, InodeFields, NodeType } from './inodes.ts'
import type { Spool } from './spool.ts'
import { readTar, type TarEntry } from './tar-read.ts'
import { refuse } from './tar-header.ts'

const WHITEOUT = '.wh.'
const OPAQUE = '.wh..wh..opq'
const DEEPEST = 1000

/**
 * Lays one layer's tar over what lies beneath, as the image specification says (OCI image-spec, layer.md): whiteouts
 * take away what lower layers have, never what the same layer brings.
 * @param layer its number, counted from the lowest
 */
export function mergeLayer(
  root: TreeNode,
  layer: number,
  { spool, offset, sizeBytes }: { spool: Spool; offset: number; sizeBytes: number },
): void {
  for (const entry of readTar(spool, offset, sizeBytes)) {
    const names = namesOf(entry.name)
    const name = names.pop()
    if (name === undefined) {
      if (entry.type === 'directory') changeInode(root, fieldsOf(entry, spool, 'directory'))
      continue
    }
    if (name.startsWith(WHITEOUT)) {
      whiteOut(folderFor(root, names), name, layer)
      continue
    }
    // What an overlay file system takes for "deleted" is the engine's to write, never an image's.
    if (entry.type === 'character-device' && entry.major === 0 && entry.minor === 0) {
      folderFor(root, names)
      continue
    }
    const parent = folderFor(root, names)
    const node =
      entry.type === 'hard-link'
        ? putLink(parent, name, linked(root, entry))
        : put(parent, name, fieldsOf(entry, spool, entry.type))
    node.layer = layer
    let depth = 1
    for (
      let [at, above] = [parent, parent.parent];
      above !== null;
      [at, above] = [above, above.parent], depth++
    )
      at.layer = layer
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

function whiteOut(folder: TreeNode, name: string, layer: number): void {
  if (name === OPAQUE) {
    forgetLower(folder, layer)
    return
  }
  // Others of this form are an old union file system's own (aufs): they mean nothing in a layer.
  if (name.startsWith('.wh..wh.')) return
  const hidden = folder.child(name.slice(WHITEOUT.length))
  if (hidden === null) return
  if (hidden.layer === layer) forgetLower(hidden, layer)
  else remove(hidden)
}

function forgetLower(folder: TreeNode, layer: number): void {
  for (const child of [...folder.children()]) {
    if (child.layer === layer) forgetLower(child, layer)
    else remove(child)
  }
}

/** A hard link's other name, in this layer or beneath; the two are one file from now on. */
function linked(root: TreeNode, entry: TarEntry): Inode {
  const names = namesOf(entry.linkName)
  const name = names.pop() ?? ''
  const target = folderFor(root, names).child(name)
  if (target === null || target.inode.type === 'directory')
    throw refuse(`it holds a hard link '${entry.name}' to '${entry.linkName}', which is no file in it`)
  const { inode } = target
  inode.markLinked()
  return inode
}

function fieldsOf(entry: TarEntry, spool: Spool, type: NodeType): InodeFields {
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
