import { programs, removePaths } from './rule.ts'

export const rule = removePaths({
  id: 'crontabs',
  title: 'crontabs and what runs them',
  reason: 'no cron runs beside a service; a crontab is where an intruder comes back from',
  byDefault: true,
  globs: [
    '/etc/crontab',
    '/etc/crontabs',
    '/etc/cron.*',
    '/etc/anacrontab',
    '/etc/periodic',
    '/etc/at.*',
    '/var/spool/cron',
    '/var/spool/anacron',
    '/var/spool/at',
    ...programs('cron', 'crond', 'crontab', 'anacron', 'at', 'atd', 'batch'),
  ],
})
