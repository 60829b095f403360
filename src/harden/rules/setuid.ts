import { walk } from '../image-tree.ts'
import type { Rule } from './rule.ts'

const SETUID = 0o4000
const SETGID = 0o2000

export const rule: Rule = {
  id: 'setuid',
  title: 'setuid and setgid programs',
  reason: 'they are the usual way from a service’s user to root',
  byDefault: true,
  *plan({ root, keep, untouchable }) {
    for (const node of walk(root)) {
      const { type, mode } = node.inode
      if ((mode & (SETUID | SETGID)) === 0 || type === 'symlink' || untouchable(node)) continue
      // A folder's setgid bit only hands on its group, but no service was found that needs it.
      if (type !== 'file' || keep.has(node)) yield { do: 'mode', node, mode: mode & ~(SETUID | SETGID) }
      else yield { do: 'remove', node }
    }
  },
}
