import { compileGlob } from '../../policy/glob.ts'
import { compileTree } from '../../policy/match-tree.ts'
import type { ImageConfig } from '../image-config.ts'
import type { TreeNode } from '../image-tree.ts'
import type { Keep } from '../keep.ts'
import { matching } from '../matching.ts'
import type { PackageList } from '../packages.ts'
import { PROGRAM_FOLDERS } from '../places.ts'

/** What a rule may look at. The tree is as the rules before it left it. */
export interface Subject {
  readonly root: TreeNode
  readonly config: ImageConfig
  readonly keep: Keep
  /** What `--keep` names: these stay as they are, modes included. */
  readonly untouchable: (node: TreeNode) => boolean
  /** The distribution's packages, read before anything was removed. */
  readonly packages: PackageList
  /** User and group ids that processes had in the traced run; null where nothing was traced. */
  readonly seenIds: { readonly users: ReadonlySet<number>; readonly groups: ReadonlySet<number> } | null
}

/** One thing to be done to the tree. Rules decide; apply.ts does. */
export type Action =
  | { readonly do: 'remove'; readonly node: TreeNode }
  | { readonly do: 'mode'; readonly node: TreeNode; readonly mode: number }
  | { readonly do: 'owner'; readonly node: TreeNode; readonly uid: number; readonly gid: number }
  | { readonly do: 'write'; readonly node: TreeNode; readonly bytes: Buffer; readonly said: string }

export interface Rule {
  /** What `--without` takes: "package-manager". */
  readonly id: string
  /** What goes, for the report: "the package manager and its data". */
  readonly title: string
  /** Why no service needs it, one sentence. */
  readonly reason: string
  /** Whether it is on unless `--without` it; else only `--with` it. */
  readonly byDefault: boolean
  plan(subject: Subject): Iterable<Action>
}

/**
 * What can go of one subtree: all of it where nothing in it is kept, else the parts of it that are not.
 * A kept node's folders are kept too, so one look at the top is enough.
 */
export function* removable(node: TreeNode, keep: Keep): Generator<Action> {
  if (!keep.has(node)) {
    yield { do: 'remove', node }
    return
  }
  for (const child of node.children()) yield* removable(child, keep)
}

/** A rule that takes away whatever certain patterns name (gitignore's globs, absolute). */
export function removePaths(rule: Omit<Rule, 'plan'> & { readonly globs: readonly string[] }): Rule {
  const tree = compileTree(rule.globs.map(compileGlob))
  return {
    ...rule,
    *plan({ root, keep }) {
      for (const { node } of matching(root, tree, { below: false })) yield* removable(node, keep)
    },
  }
}

/** `name` in every folder for programs. */
export function programs(...names: readonly string[]): string[] {
  return names.flatMap((name) => PROGRAM_FOLDERS.map((folder) => `${folder}/${name}`))
}
