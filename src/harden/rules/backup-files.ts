import { removePaths } from './rule.ts'

export const rule = removePaths({
  id: 'backup-files',
  title: 'backup files',
  reason: 'nothing reads them but who looks for old passwords and settings',
  byDefault: true,
  globs: [
    '/etc/**/*-',
    '/etc/.pwd.lock',
    '**/*~',
    '/etc/**/*.bak',
    '/etc/**/*.old',
    '/etc/**/*.orig',
    '/etc/**/*.dpkg-*',
    '/etc/**/*.apk-*',
    '/etc/**/*.rpmsave',
    '/etc/**/*.rpmnew',
    '/etc/**/*.rpmorig',
    '/etc/**/*.ucf-*',
    '/var/backups',
    '/var/cache/*/*-old',
  ],
})
