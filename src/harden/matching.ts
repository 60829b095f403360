import type { MatchTree } from '../policy/match-tree.ts'
import type { TreeNode } from './image-tree.ts'

/** A node that patterns name, and which of them do. */
export interface Matched {
  readonly node: TreeNode
  readonly globs: readonly number[]
}

/**
 * What patterns name in an image, the root left out, folders before what is in them. Folders that no pattern speaks of are
 * not looked into.
 * @param options.below whether to go on below what matched
 */
export function matching(root: TreeNode, tree: MatchTree, options: { readonly below: boolean }): Matched[] {
  const found: Matched[] = []
  const pending = [{ node: root, folder: tree.root }]
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    const { node, folder } = at
    for (const child of node.children()) {
      const globs = tree.matches(folder, child.name)
      if (globs.length > 0) found.push({ node: child, globs })
      if (!child.hasChildren || (globs.length > 0 && !options.below)) continue
      const next = tree.enter(folder, child.name)
      if (next.nodes.length > 0 || next.below.length > 0) pending.push({ node: child, folder: next })
    }
  }
  return found
}
