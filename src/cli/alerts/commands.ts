import type { CommandEntry } from '../commands.ts'

export const fallback = 'ls'

export const subcommands: Readonly<Record<string, CommandEntry>> = {
  ls: { summary: 'list alerts', load: () => import('./ls.ts') },
  show: { summary: 'one alert as a story', load: () => import('./show.ts') },
  ack: { summary: 'acknowledge, with a reason', load: () => import('./ack.ts') },
  evidence: { summary: 'fetch the captured files of an alert', load: () => import('./evidence.ts') },
  pause: { summary: 'maintenance: record, but tell nobody', load: () => import('./pause.ts') },
  verify: { summary: 'has anything of the record been changed?', load: () => import('./verify.ts') },
  backup: { summary: 'copy the database while it is used', load: () => import('./backup.ts') },
  'test-notify': { summary: 'send a test by each channel', load: () => import('./test-notify.ts') },
}
