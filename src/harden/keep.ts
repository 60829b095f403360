import { isElf, readElf } from './elf.ts'
import { pathOf, readContent, resolve, type TreeNode } from './image-tree.ts'
import { libraryCandidates, libraryFolders } from './loader.ts'

/** What stays, and why: every node that is needed itself, with links and folders on the way to it. */
export interface Keep {
  readonly has: (node: TreeNode) => boolean
  /** "the entrypoint", "a library of /usr/sbin/nginx"; null for what is not kept. */
  readonly why: (node: TreeNode) => string | null
  /** Keeps what lies at a path and what it cannot do without. */
  readonly add: (path: string, why: string, from?: TreeNode) => TreeNode | null
  readonly addNode: (node: TreeNode, why: string) => void
}

/**
 * A set of kept files that is closed: a program brings its loader and libraries, a script its interpreter, a link its
 * target, and everything the folders above it.
 */
export function newKeep(root: TreeNode, env: readonly string[]): Keep {
  /** By the nodes' ids. */
  const reasons = new Map<number, string>()
  const libraries = libraryFolders(root, env)
  const path = searchPath(env)

  function add(wanted: string, why: string, from: TreeNode = root): TreeNode | null {
    const { node, links } = resolve(root, wanted, { from })
    for (const link of links) mark(link, why)
    if (node !== null) addNode(node, why)
    return node
  }

  function mark(node: TreeNode, why: string): boolean {
    if (reasons.has(node.id)) return false
    reasons.set(node.id, why)
    for (let at = node.parent; at !== null && !reasons.has(at.id); at = at.parent)
      reasons.set(at.id, `the folder of ${pathOf(node)}`)
    return true
  }

  function addNode(node: TreeNode, why: string, rpaths: readonly string[] = []): void {
    if (!mark(node, why)) return
    if (node.inode.type === 'symlink')
      add(node.inode.target, `what ${pathOf(node)} leads to`, node.parent ?? root)
    if (node.inode.type !== 'file') return
    if (isElf(node.inode)) addElf(node, rpaths)
    else addInterpreter(node)
  }

  function addElf(node: TreeNode, inherited: readonly string[]): void {
    const elf = readElf(node.inode)
    if (elf === null) return
    const own = pathOf(node)
    if (elf.interpreter !== null) add(elf.interpreter, `the loader of ${own}`)
    const origin = own.slice(0, own.lastIndexOf('/'))
    const rpaths = [...elf.rpath.map((folder) => folder.replace(/\$\{?ORIGIN\}?/g, origin)), ...inherited]
    for (const { paths } of libraryCandidates(elf, origin, inherited, libraries))
      addFirst(paths, `a library of ${own}`, rpaths)
  }

  /** All names of the first that is there: the file, and the links to it. */
  function addFirst(paths: readonly string[], why: string, rpaths: readonly string[]): void {
    for (const candidate of paths) {
      const { node, links } = resolve(root, candidate)
      if (node?.inode.type !== 'file') continue
      for (const link of links) mark(link, why)
      addNode(node, why, rpaths)
      return
    }
  }

  function addInterpreter(node: TreeNode): void {
    const line = readContent(node.inode, 256).toString('latin1')
    const [, interpreter, rest = ''] = /^#![ \t]*(\S+)[ \t]*([^\n]*)/.exec(line) ?? []
    if (interpreter === undefined) return
    const why = `the interpreter of ${pathOf(node)}`
    add(interpreter, why)
    if (!interpreter.endsWith('/env')) return
    const program = rest
      .split(/\s+/)
      .find((word) => word !== '' && !word.startsWith('-') && !word.includes('='))
    for (const folder of program === undefined ? [] : path)
      if (add(`${folder}/${program ?? ''}`, why) !== null) return
  }

  for (const library of libraries.preload) add(library, 'LD_PRELOAD')
  return { has: ({ id }) => reasons.has(id), why: ({ id }) => reasons.get(id) ?? null, add, addNode }
}

/** PATH of the image's environment, or what engines give a container without one. */
export function searchPath(env: readonly string[]): string[] {
  const line = env.findLast((entry) => entry.startsWith('PATH='))
  const value = line?.slice(5) ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
  return value.split(':').filter((folder) => folder.startsWith('/'))
}
