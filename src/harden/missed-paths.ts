import { pathOf, resolve, type TreeNode } from './image-tree.ts'

/** Of what a service asked for in vain: what the image had before it was hardened, by its own path, each once. */
export function missedPaths(asked: ReadonlySet<string>, before: TreeNode, after: TreeNode): string[] {
  const missed = new Set<string>()
  for (const path of asked) {
    const { node, links } = resolve(before, path)
    if (node === null) continue
    for (const each of [...links, node]) {
      const own = pathOf(each)
      if (resolve(after, own, { last: false }).node === null) missed.add(own)
    }
  }
  return [...missed].sort()
}
