import { removePaths } from './rule.ts'

export const rule = removePaths({
  id: 'man-pages',
  title: 'man pages',
  reason: 'nobody reads them in a container',
  byDefault: true,
  globs: [
    '/usr/share/man',
    '/usr/man',
    '/usr/local/man',
    '/usr/local/share/man',
    // A program's own, beside it: PostgreSQL's, npm's.
    '/usr/**/man/man?',
    '/var/cache/man',
    '/etc/manpath.config',
  ],
})
