import { refuse } from './tar-header.ts'
import type { Spool } from './spool.ts'

export type NodeType = 'file' | 'directory' | 'symlink' | 'character-device' | 'block-device' | 'fifo'

/** A regular file's bytes: where they lie, or what a rule wrote in their place. */
export type Content =
  | { readonly spool: Spool; readonly offset: number; readonly sizeBytes: number }
  | { readonly bytes: Buffer; readonly sizeBytes: number }

/** What hard links share. */
export interface Inode {
  readonly type: NodeType
  mode: number
  uid: number
  gid: number
  readonly mtime: string
  content: Content | null
  /** Of a symbolic link, as written; bytes as latin1. */
  readonly target: string
  readonly major: number
  readonly minor: number
  readonly xattrs: ReadonlyMap<string, Buffer>
  /** Whether it has, or had, more than one name. */
  isLinked: boolean
}

/** One name in one folder. */
export interface TreeNode {
  readonly name: string
  readonly parent: TreeNode | null
  inode: Inode
  /** Number of the last layer that brought it, or something in it; -1 where none did. */
  layer: number
  /** Of folders only; empty for all others. */
  readonly children: Map<string, TreeNode>
}

const MOST_LINKS = 40
const NOTHING: ReadonlyMap<string, Buffer> = new Map()
/** Of all that is no folder: a map of its own for each would be a third of what a tree takes. Nothing is ever put into it. */
const CHILDLESS = new Map<string, TreeNode>()

export function newFolder(mode = 0o755): Inode {
  const owner = { uid: 0, gid: 0, mtime: '0', content: null, target: '', major: 0, minor: 0 }
  return { type: 'directory', mode, ...owner, xattrs: NOTHING, isLinked: false }
}

export function newRoot(): TreeNode {
  return { name: '', parent: null, inode: newFolder(), layer: -1, children: new Map() }
}

/** Absolute, bytes as latin1; "/" for the root. */
export function pathOf(node: TreeNode): string {
  const names: string[] = []
  for (let at: TreeNode = node; at.parent !== null; at = at.parent) names.push(at.name)
  return `/${names.reverse().join('/')}`
}

/** All nodes below `from` and itself, folders before what is in them, names in byte order. */
export function* walk(from: TreeNode): Generator<TreeNode> {
  const pending = [from]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    yield node
    if (node.children.size === 0) continue
    const names = [...node.children.keys()].sort()
    for (let index = names.length - 1; index >= 0; index--) {
      const child = node.children.get(names[index] ?? '')
      if (child !== undefined) pending.push(child)
    }
  }
}

export function put(parent: TreeNode, name: string, inode: Inode): TreeNode {
  const existing = parent.children.get(name)
  if (existing?.inode.type === 'directory' && inode.type === 'directory') {
    existing.inode = inode
    return existing
  }
  const children = inode.type === 'directory' ? new Map<string, TreeNode>() : CHILDLESS
  const own = flat(name)
  const node: TreeNode = { name: own, parent, inode, layer: -1, children }
  parent.children.set(own, node)
  return node
}

/** V8 keeps the whole text of which a longer part was cut out: here a path for each name. */
function flat(part: string): string {
  return Buffer.from(part, 'latin1').toString('latin1')
}

export function remove(node: TreeNode): void {
  node.parent?.children.delete(node.name)
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
    const next = at.children.get(name)
    if (next === undefined) return { node: null, links }
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
    let next = at.children.get(name)
    if (next?.inode.type === 'symlink') {
      const { node } = resolve(root, next.inode.target, { from: at })
      if (node?.inode.type !== 'directory')
        throw refuse(
          `it puts something below '/${names.slice(0, index + 1).join('/')}', a link that leads nowhere`,
        )
      next = node
    }
    if (next?.inode.type !== 'directory') next = put(at, name, newFolder())
    at = next
  }
  return at
}

/** At most `maxBytes` from the front of a regular file. */
export function readContent(inode: Inode, maxBytes: number, from = 0): Buffer {
  if (inode.content === null) return Buffer.alloc(0)
  const length = Math.max(0, Math.min(maxBytes, inode.content.sizeBytes - from))
  return 'bytes' in inode.content
    ? inode.content.bytes.subarray(from, from + length)
    : inode.content.spool.read(inode.content.offset + from, length)
}
