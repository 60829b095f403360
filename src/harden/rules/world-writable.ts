import { pathOf, walk } from '../image-tree.ts'
import type { Rule } from './rule.ts'

const OTHERS_WRITE = 0o002
const STICKY = 0o1000

/** Folders that are for everybody by custom: sticky-tmp.ts is about them. */
export const SHARED_FOLDERS: ReadonlySet<string> = new Set(['/tmp', '/var/tmp', '/dev/shm'])

export const rule: Rule = {
  id: 'world-writable',
  title: 'the right of everybody to write',
  reason: 'a file that everybody may change is a file that an intruder may change',
  byDefault: true,
  *plan({ root, untouchable }) {
    for (const node of walk(root)) {
      const { type, mode } = node.inode
      if (type === 'symlink' || (mode & OTHERS_WRITE) === 0 || untouchable(node)) continue
      const isShared = type === 'directory' && SHARED_FOLDERS.has(pathOf(node))
      const wanted = isShared ? mode | STICKY : mode & ~OTHERS_WRITE
      if (wanted !== mode) yield { do: 'mode', node, mode: wanted }
    }
  },
}
