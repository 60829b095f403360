import { isElf, readElf } from '../elf.ts'
import { pathOf, readContent, resolve, type TreeNode, walk } from '../image-tree.ts'
import { libraryCandidates, type LibraryFolders, libraryFolders } from '../loader.ts'
import type { Rule, Subject } from './rule.ts'

const LIBRARY = /^.+\.so(\.[\w.]+)?$/
/** Loaded by the C library itself, by names it makes up. */
const LOADED_BY_NAME = /^libnss_|^ld-|^libgcc_s/
const NAME_IN_TEXT = /\blib[\w+-]{1,64}\.so\b/g
const PIECE_BYTES = 4 * 1024 * 1024
const OVERLAP_BYTES = 256

export const rule: Rule = {
  id: 'unused-libraries',
  title: 'shared libraries that nothing left can load',
  reason: 'no program that is left is linked against them or names them, nor does any library that one loads',
  byDefault: true,
  *plan(subject) {
    for (const node of idleLibraries(subject, () => true).values()) yield { do: 'remove', node }
  },
}

/**
 * Shared libraries that nothing can load, by their ids.
 * @param counts whether what a file loads is needed; libraries themselves are not asked for
 */
export function idleLibraries(
  subject: Pick<Subject, 'root' | 'config' | 'keep'>,
  counts: (node: TreeNode) => boolean,
): Map<number, TreeNode> {
  const folders = libraryFolders(subject.root, subject.config.env)
  const candidates = librariesIn(subject.root, folders)
  const reached = reach(subject, candidates, folders, counts)
  return new Map([...candidates].filter(([id]) => !reached.has(id)))
}

/** What lies right in the loader's folders under a library's name, links among them; plug-ins in folders below are their owner's. */
function librariesIn(root: TreeNode, { folders }: LibraryFolders): Map<number, TreeNode> {
  const libraries = folders.flatMap((path) =>
    [...(resolve(root, path).node?.children() ?? [])].filter(
      ({ name, inode }) => inode.type !== 'directory' && LIBRARY.test(name),
    ),
  )
  return new Map(libraries.map((node) => [node.id, node]))
}

/** Everything that can be loaded, starting from all that is no library. */
function reach(
  { root, keep }: Pick<Subject, 'root' | 'keep'>,
  candidates: ReadonlyMap<number, TreeNode>,
  folders: LibraryFolders,
  counts: (node: TreeNode) => boolean,
): Set<number> {
  const byStem = Map.groupBy(candidates.values(), ({ name }) => stem(name))
  const reached = new Set<number>()
  const pending: TreeNode[] = []
  const add = (node: TreeNode) => {
    if (reached.has(node.id)) return
    reached.add(node.id)
    pending.push(node)
  }
  for (const start of walk(root)) {
    if (candidates.has(start.id)) {
      if (keep.has(start) || LOADED_BY_NAME.test(start.name)) add(start)
    } else if (
      !reached.has(start.id) &&
      (counts(start) || keep.has(start) || LOADED_BY_NAME.test(start.name))
    )
      // It is not remembered: it may be most of a large image.
      pending.push(start)
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) lookAt(node)
  }
  return reached

  function lookAt(node: TreeNode): void {
    const { inode } = node
    if (inode.type === 'symlink') {
      const target = resolve(root, inode.target, { from: node.parent ?? root })
      for (const next of [...target.links, ...(target.node === null ? [] : [target.node])]) add(next)
    }
    if (inode.type !== 'file') return
    const linked = new Set<string>()
    for (const { name, paths } of linkedLibraries(node, folders)) {
      linked.add(stem(name))
      for (const path of paths) {
        const found = resolve(root, path)
        if (found.node === null) continue
        for (const next of [...found.links, found.node]) add(next)
      }
    }
    for (const name of mentioned(node, linked)) for (const other of byStem.get(name) ?? []) add(other)
  }
}

function linkedLibraries(node: TreeNode, folders: LibraryFolders) {
  const elf = readElf(node.inode)
  if (elf === null) return []
  const path = pathOf(node)
  const origin = path.slice(0, path.lastIndexOf('/'))
  const loader = elf.interpreter === null ? [] : [{ name: elf.interpreter, paths: [elf.interpreter] }]
  return [...loader, ...libraryCandidates(elf, origin, elf.rpath, folders)]
}

/** "libfoo.so" for "libfoo.so.1.2.3": who loads by name may name any of them. */
function stem(name: string): string {
  const file = name.slice(name.lastIndexOf('/') + 1)
  return file.slice(0, file.indexOf('.so') + 3)
}

/** Names of libraries that stand as text in a program or script, beside those it is linked against: what `dlopen` gets. */
function mentioned(node: TreeNode, linked: ReadonlySet<string>): Set<string> {
  const found = new Set<string>()
  const { inode } = node
  const isCode =
    isElf(inode) || (inode.mode & 0o111) !== 0 || /\.(py|rb|js|pl|pm|conf|cnf|json)$/.test(node.name)
  if (!isCode) return found
  const own = stem(node.name)
  for (let at = 0; at < inode.sizeBytes; at += PIECE_BYTES) {
    const text = readContent(inode, PIECE_BYTES + OVERLAP_BYTES, at).toString('latin1')
    for (const [name] of text.matchAll(NAME_IN_TEXT)) if (name !== own && !linked.has(name)) found.add(name)
  }
  return found
}
