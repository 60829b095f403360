import type { CommandEntry } from './commands.ts'

/** `paddock policy …`: what is expected, and why. */
export const subcommands: Readonly<Record<string, CommandEntry>> = {
  check: { summary: 'what is wrong in policy files', load: () => import('./policy/check.ts') },
  explain: {
    summary: 'which rule expects a path, and how bad it would be without',
    load: () => import('./policy/explain.ts'),
  },
}
