import { resolve, type TreeNode } from '../image-tree.ts'
import type { Action, Rule } from './rule.ts'

const FOLDERS =
  `/ /bin /boot /dev /etc /home /lib /lib32 /lib64 /libx32 /media /mnt /opt /proc /run /sbin /srv /sys /usr /usr/bin /usr/games
  /usr/include /usr/lib /usr/lib64 /usr/libexec /usr/local /usr/local/bin /usr/local/etc /usr/local/lib /usr/local/sbin
  /usr/local/share /usr/sbin /usr/share /usr/src /var /var/cache /var/lib /var/local /var/log /var/mail /var/opt /var/spool`.split(
    /\s+/,
  )
/** The kernel's: its own modes come with the mount. */
const MOUNT_POINTS = new Set(['/proc', '/sys'])

export const rule: Rule = {
  id: 'system-folders',
  title: 'system folders that are not root’s, or not 0755',
  reason: 'who owns a system folder can replace what lies in it',
  byDefault: true,
  *plan({ root, untouchable }) {
    for (const path of FOLDERS) {
      const { node } = resolve(root, path, { last: false })
      if (node?.inode.type === 'directory' && !untouchable(node)) yield* mend(node, MOUNT_POINTS.has(path))
    }
  },
}

function* mend(node: TreeNode, isMountPoint: boolean): Generator<Action> {
  const { uid, gid, mode } = node.inode
  if (uid !== 0 || gid !== 0) yield { do: 'owner', node, uid: 0, gid: 0 }
  if (mode !== 0o755 && !(isMountPoint && mode === 0o555)) yield { do: 'mode', node, mode: 0o755 }
}
