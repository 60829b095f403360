import type { CommandEntry } from './commands.ts'

/** `paddock cow …`: the copy-on-write layer of one container. */
export const subcommands: Readonly<Record<string, CommandEntry>> = {
  dir: { summary: 'where the layer directory of a container lies', load: () => import('./cow/dir.ts') },
  ls: { summary: 'all that a container changed, expected or not', load: () => import('./cow/ls.ts') },
  diff: { summary: 'how what it changed differs from the image', load: () => import('./cow/diff.ts') },
  restore: { summary: "put paths back to the image's state", load: () => import('./cow/restore.ts') },
}
