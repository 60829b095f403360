import type { CommandEntry } from './commands.ts'

/** What can be typed after `paddock uidmap`. */
export const subcommands: Readonly<Record<string, CommandEntry>> = {
  status: {
    summary: 'is it on, and under which ids does each container really live?',
    load: () => import('./uidmap/status.ts'),
  },
  plan: {
    summary: 'everything that enable would change, and what will follow; changes nothing',
    load: () => import('./uidmap/plan.ts'),
  },
  enable: {
    summary: 'carry the plan out: files, restart, proof; undone when the engine does not come back',
    load: () => import('./uidmap/enable.ts'),
  },
  disable: {
    summary: 'the way back: every file as it was before enable',
    load: () => import('./uidmap/disable.ts'),
  },
  resolve: {
    summary: "a container's user as an id of the host, and back",
    load: () => import('./uidmap/resolve.ts'),
  },
  check: {
    summary: 'can the users of each container use what it mounts, and what mends it?',
    load: () => import('./uidmap/check.ts'),
  },
  fix: {
    summary: 'mend what check found for a container: owners by mapped id, or ACLs; can be undone',
    load: () => import('./uidmap/fix.ts'),
  },
  names: {
    summary: 'names for mapped ids (droot, dnginx, …), so that ps and ls on the host read well',
    load: () => import('./uidmap/names.ts'),
  },
}
