import { Inode, type InodeFields, Inodes } from './inodes.ts'
import { Names, NODE_INODE, NODE_LAYER } from './names.ts'
import { refuse } from './tar-header.ts'
import { Texts } from './texts.ts'

/** What all nodes of one tree lie in: some 110 bytes each, so that a million fit where a million objects would not. */
interface Store {
  readonly names: Names
  readonly inodes: Inodes
}

/** One name in one folder: a view of its record, made when asked for. Two views of one node have the same id; to hold many, hold ids. */
export class TreeNode {
  readonly store: Store
  readonly id: number

  constructor(store: Store, id: number) {
    this.store = store
    this.id = id
  }

  get name(): string {
    return this.store.names.text(this.id)
  }

  get parent(): TreeNode | null {
    const parent = this.store.names.parent(this.id)
    return parent === 0 ? null : new TreeNode(this.store, parent)
  }

  get inode(): Inode {
    return new Inode(this.store.inodes, this.store.names.view.getUint32(this.id + NODE_INODE))
  }

  set inode(inode: Inode) {
    this.store.names.view.setUint32(this.id + NODE_INODE, inode.id)
  }

  /** Number of the last layer that brought it, or something in it; -1 where none did. */
  get layer(): number {
    return this.store.names.view.getInt32(this.id + NODE_LAYER)
  }

  set layer(layer: number) {
    this.store.names.view.setInt32(this.id + NODE_LAYER, layer)
  }

  get hasChildren(): boolean {
    return !this.store.names.isEmpty(this.id)
  }

  child(name: string): TreeNode | null {
    const found = this.store.names.find(this.id, name)
    return found === 0 ? null : new TreeNode(this.store, found)
  }

  /** In byte order of their names; nothing may be added or removed meanwhile. */
  *children(): Generator<TreeNode> {
    const { names } = this.store
    const pending: number[] = []
    names.enter(this.id, pending)
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      names.goOn(at, pending)
      yield new TreeNode(this.store, at)
    }
  }
}

const MOST_LINKS = 40
const FOLDER: InodeFields = {
  ...{ type: 'directory', mode: 0o755, uid: 0, gid: 0, mtime: '0' },
  ...{ content: null, target: '', major: 0, minor: 0, xattrs: new Map() },
}

export function newRoot(): TreeNode {
  const texts = new Texts()
  const store = { names: new Names(texts), inodes: new Inodes(texts) }
  return newNode(store, 0, '', store.inodes.add(FOLDER))
}

function newNode(store: Store, folder: number, name: string, inode: Inode): TreeNode {
  const node = new TreeNode(store, store.names.add(folder, name))
  node.inode = inode
  node.layer = -1
  return node
}

/** Absolute, bytes as latin1; "/" for the root. */
export function pathOf({ store: { names }, id }: TreeNode): string {
  const folder = names.parent(id)
  return folder === 0 ? '/' : `${names.folderPath(folder)}/${names.text(id)}`
}

/**
 * All nodes below `from` and itself, folders before what is in them, names in byte order; nothing may be added or removed
 * meanwhile.
 */
export function* walk(from: TreeNode): Generator<TreeNode> {
  const { names } = from.store
  const pending = [from.id]
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    if (at !== from.id) names.goOn(at, pending)
    names.enter(at, pending)
    yield new TreeNode(from.store, at)
  }
}

/** Gives a folder a file. What had the name before is gone, but what is in a folder stays where a folder comes over it. */
export function put(folder: TreeNode, name: string, fields: InodeFields): TreeNode {
  const existing = folder.child(name)
  const { store } = folder
  if (existing === null) return newNode(store, folder.id, name, store.inodes.add(fields))
  const { inode } = existing
  if (inode.type !== 'directory' || fields.type !== 'directory') forget(existing)
  changeInode(existing, fields)
  return existing
}

/** The same for a file that has a name already. */
export function putLink(folder: TreeNode, name: string, inode: Inode): TreeNode {
  const existing = folder.child(name)
  if (existing === null) return newNode(folder.store, folder.id, name, inode)
  forget(existing)
  existing.inode = inode
  return existing
}

/** What a layer says anew of what is there. */
export function changeInode(node: TreeNode, fields: InodeFields): void {
  const { inode, store } = node
  // Its other names keep what it was.
  if (inode.isLinked) node.inode = store.inodes.add(fields)
  else store.inodes.replace(inode, fields)
}

function forget(node: TreeNode): void {
  node.store.names.clear(node.id)
  node.layer = -1
}

export function remove({ store, id }: TreeNode): void {
  store.names.remove(id)
}

/** What a path leads to, with every symbolic link on the way, told in order: the links are needed as much as their end. */
export interface Resolved {
  readonly node: TreeNode | null
  readonly links: readonly TreeNode[]
}

/**
 * Follows a path inside the image as its own processes would: links are links of the image, ".." stays in it.
 * @param path absolute, or relative to `from`
 * @param options.last whether a link at the end is followed too
 */
export function resolve(
  root: TreeNode,
  path: string,
  { from = root, last = true }: { from?: TreeNode; last?: boolean } = {},
): Resolved {
  const links: TreeNode[] = []
  let at = path.startsWith('/') ? root : from
  const names = path.split('/').reverse()
  while (names.length > 0) {
    const name = names.pop() ?? ''
    if (name === '' || name === '.') continue
    if (name === '..') {
      at = at.parent ?? root
      continue
    }
    const next = at.child(name)
    if (next === null) return { node: null, links }
    if (next.inode.type === 'symlink' && (last || names.some((rest) => rest !== '' && rest !== '.'))) {
      links.push(next)
      if (links.length > MOST_LINKS) return { node: null, links }
      if (next.inode.target.startsWith('/')) at = root
      names.push(...next.inode.target.split('/').reverse())
      continue
    }
    at = next
  }
  return { node: at, links }
}

/**
 * The folder that an entry of a tar goes into, made where it is missing, as engines unpack: through links of the image.
 * @param names the folder's names, from the root
 */
export function folderFor(root: TreeNode, names: readonly string[]): TreeNode {
  let at = root
  for (const [index, name] of names.entries()) {
    let next = at.child(name)
    if (next?.inode.type === 'symlink') {
      const { node } = resolve(root, next.inode.target, { from: at })
      if (node?.inode.type !== 'directory')
        throw refuse(
          `it puts something below '/${names.slice(0, index + 1).join('/')}', a link that leads nowhere`,
        )
      next = node
    }
    if (next?.inode.type !== 'directory') next = put(at, name, FOLDER)
    at = next
  }
  return at
}

/** At most `maxBytes` from the front of a regular file. */
export function readContent(inode: Inode, maxBytes: number, from = 0): Buffer {
  const { content } = inode
  if (content === null) return Buffer.alloc(0)
  const length = Math.max(0, Math.min(maxBytes, content.sizeBytes - from))
  return 'bytes' in content
    ? content.bytes.subarray(from, from + length)
    : content.spool.read(content.offset + from, length)
}
