import type { RuleResult } from './apply.ts'
import { globFor } from './glob-for.ts'
import { resolve, type TreeNode } from './image-tree.ts'

/** Something that hardening took away or changed, to be put back for a try. */
export interface Piece {
  /** Bytes as latin1. */
  readonly path: string
  /** With all that lies below: a folder that went as a whole. */
  readonly below: boolean
}

/** Everything that the rules did, in their order, each path once. */
export function takenAway(before: TreeNode, results: readonly RuleResult[]): Piece[] {
  const paths = new Set(results.flatMap(({ deeds }) => deeds.map(({ path }) => path)))
  const removed = new Set(
    results.flatMap(({ deeds }) => deeds.filter(({ did }) => did === 'removed').map(({ path }) => path)),
  )
  return [...paths].map((path) => ({ path, below: removed.has(path) && childrenOf(before, path).length > 0 }))
}

/** A folder's parts in place of the folder. */
export function opened(before: TreeNode, piece: Piece): Piece[] {
  if (!piece.below) return [piece]
  const children = childrenOf(before, piece.path).map(({ name, hasChildren }) => ({
    path: `${piece.path}/${name}`,
    below: hasChildren,
  }))
  return [{ path: piece.path, below: false }, ...children]
}

/** Patterns that keep it. */
export function globsOf({ path, below }: Piece): string[] {
  const glob = globFor(path)
  return below ? [glob, `${glob}/**`] : [glob]
}

function childrenOf(before: TreeNode, path: string): TreeNode[] {
  return [...(resolve(before, path, { last: false }).node?.children() ?? [])]
}
