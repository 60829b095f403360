import { walk } from '../image-tree.ts'
import type { Rule } from './rule.ts'

export const rule: Rule = {
  id: 'devices',
  title: 'device nodes',
  reason: 'the engine makes those that a container may use; one in an image is a door to the host’s disks',
  byDefault: true,
  *plan({ root }) {
    for (const node of walk(root))
      if (node.inode.type === 'character-device' || node.inode.type === 'block-device')
        yield { do: 'remove', node }
  },
}
