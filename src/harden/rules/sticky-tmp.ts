import { resolve } from '../image-tree.ts'
import type { Rule } from './rule.ts'
import { SHARED_FOLDERS } from './world-writable.ts'

export const rule: Rule = {
  id: 'sticky-tmp',
  title: 'the right of everybody to write to /tmp and /var/tmp',
  reason: 'a service that needs no temporary files leaves an intruder no place for his',
  byDefault: false,
  *plan({ root, untouchable }) {
    for (const path of SHARED_FOLDERS) {
      const { node } = resolve(root, path, { last: false })
      if (node?.inode.type === 'directory' && node.inode.mode !== 0o755 && !untouchable(node))
        yield { do: 'mode', node, mode: 0o755 }
    }
  },
}
