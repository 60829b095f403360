import { UserError } from '../lib/errors.ts'
import { compileGlob, type Glob } from '../policy/glob.ts'
import { compileTree } from '../policy/match-tree.ts'
import { GlobError } from '../policy/segment.ts'
import { pathOf, resolve, type TreeNode } from './image-tree.ts'
import { matching } from './matching.ts'
import type { Keep } from './keep.ts'

export function compileKeep(text: string): Glob {
  try {
    return compileGlob(text)
  } catch (error) {
    if (!(error instanceof GlobError)) throw error
    throw new UserError(`cannot use --keep '${text}': ${error.message}`, { hint: error.hint, cause: error })
  }
}

/**
 * Keeps what `--keep` names, with what it needs.
 * @returns the ids of nodes that were named themselves, and the patterns that named nothing
 */
export function keepGlobs(root: TreeNode, globs: readonly Glob[], keep: Keep) {
  const named = new Set<number>()
  const used = new Set<number>()
  const tree = compileTree(globs.map((glob) => throughLinks(root, glob)))
  for (const { node, globs: indexes } of matching(root, tree, { below: true })) {
    for (const index of indexes) {
      used.add(index)
      named.add(node.id)
      keep.addNode(node, `--keep ${globs[index]?.text ?? ''}`)
    }
  }
  for (const [index, { text }] of globs.entries()) {
    // A path without wildcards may lead through links of the image.
    if (/[*?[]/.test(text)) continue
    const node = keep.add(Buffer.from(text, 'utf8').toString('latin1'), `--keep ${text}`)
    if (node === null) continue
    used.add(index)
    named.add(node.id)
  }
  return { named, unused: globs.filter((_, index) => !used.has(index)).map(({ text }) => text) }
}

/** "/bin/*" means "/usr/bin/*" where /bin is a link to usr/bin. */
function throughLinks(root: TreeNode, glob: Glob): Glob {
  const [, first = '', rest = ''] = /^\/([^/*?[]+)(\/.*)$/.exec(glob.text) ?? []
  const child = first === '' ? null : root.child(first)
  if (child?.inode.type !== 'symlink') return glob
  const target = resolve(root, `/${first}`).node
  return target === null || target.parent === null ? glob : compileGlob(pathOf(target) + rest)
}
