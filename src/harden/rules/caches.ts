import type { Action, Rule } from './rule.ts'
import { resolve, type TreeNode } from '../image-tree.ts'
import type { Keep } from '../keep.ts'

const FOLDERS = [
  '/var/cache',
  '/var/log',
  '/tmp',
  '/var/tmp',
  '/run',
  '/var/run',
  '/root/.cache',
  '/root/.npm',
  '/root/.config',
  '/var/lib/systemd',
  '/var/mail',
  '/var/spool/mail',
]
const FILES = [
  '/root/.bash_history',
  '/root/.ash_history',
  '/root/.wget-hsts',
  '/root/.python_history',
  '/.dockerenv',
]

export const rule: Rule = {
  id: 'caches',
  title: 'caches, old logs and temporary files',
  reason: 'they are left over from the building of the image',
  byDefault: true,
  *plan({ root, keep }) {
    for (const path of FOLDERS) {
      const { node } = resolve(root, path, { last: false })
      if (node !== null) yield* filesBelow(node, keep)
    }
    for (const path of FILES) {
      const { node } = resolve(root, path, { last: false })
      if (node !== null && !keep.has(node)) yield { do: 'remove', node }
    }
  },
}

/** Folders stay: a service's own cache or log folder has an owner that it cannot give itself. */
function* filesBelow(folder: TreeNode, keep: Keep): Generator<Action> {
  for (const child of folder.children()) {
    if (child.inode.type === 'directory') yield* filesBelow(child, keep)
    // "access.log -> /dev/stdout" is no old log.
    else if (child.inode.type === 'file' && !keep.has(child)) yield { do: 'remove', node: child }
  }
}
