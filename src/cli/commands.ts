import type { Command } from './command.ts'

export interface CommandEntry {
  readonly summary: string
  readonly load: () => Promise<{ command: Command } | { subcommands: Readonly<Record<string, CommandEntry>> }>
}

/** What can be typed after `paddock`, in the order of `paddock --help`. The summary stands here so that help loads nothing. */
export const commands: Readonly<Record<string, CommandEntry>> = {
  scan: {
    summary: 'what has each container changed that nobody expected?',
    load: () => import('./scan.ts'),
  },
  audit: {
    summary: 'who and what on this host can become root through the engine',
    load: () => import('./audit.ts'),
  },
  doctor: {
    summary: 'can Paddock work here? each thing it needs, tried',
    load: () => import('./doctor.ts'),
  },
}
