import type { ChangeItem } from '../../protocol/answers.ts'

/** A folder or file of the layer directory, with what is below it. */
export interface TreeNode {
  readonly name: string
  readonly change: ChangeItem | null
  /** Unexpected changes here and below. */
  readonly unexpected: number
  readonly children: readonly TreeNode[]
}

/** Deeper folders are shown in one line with their path: a page is no place for a thousand levels. */
const MAX_DEPTH = 24

interface Growing {
  name: string
  change: ChangeItem | null
  children: Map<string, Growing>
}

/** Changes as folders in folders, by name; what is unexpected first. */
export function changeTree(changes: readonly ChangeItem[]): TreeNode[] {
  const root: Growing = { name: '', change: null, children: new Map() }
  for (const change of changes) {
    const names = change.path.path.split('/').filter((name) => name !== '')
    const shown =
      names.length <= MAX_DEPTH
        ? names
        : [...names.slice(0, MAX_DEPTH - 1), names.slice(MAX_DEPTH - 1).join('/')]
    let node = root
    for (const name of shown) {
      const child = node.children.get(name) ?? { name, change: null, children: new Map<string, Growing>() }
      node.children.set(name, child)
      node = child
    }
    node.change = change
  }
  return finished(root).children as TreeNode[]
}

function finished({ name, change, children }: Growing): TreeNode {
  const below = [...children.values()].map(finished)
  const own = change !== null && !change.expected ? 1 : 0
  return {
    name,
    change,
    unexpected: below.reduce((sum, node) => sum + node.unexpected, own),
    children: below.sort(
      (a, b) => Number(b.unexpected > 0) - Number(a.unexpected > 0) || (a.name < b.name ? -1 : 1),
    ),
  }
}
