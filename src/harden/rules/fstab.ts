import { removePaths } from './rule.ts'

export const rule = removePaths({
  id: 'fstab',
  title: 'tables of file systems to mount',
  reason: 'what is mounted in a container the engine mounts',
  byDefault: true,
  globs: [
    '/etc/fstab',
    '/etc/fstab.d',
    '/etc/crypttab',
    '/etc/mtab',
    '/etc/mke2fs.conf',
    '/etc/filesystems',
    '/etc/auto.*',
  ],
})
