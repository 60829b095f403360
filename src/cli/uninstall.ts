import { resolve } from 'node:path'
import { defineCommand } from './command.ts'
import { carryOut } from './install/carry-out.ts'
import { readHost } from './install/host.ts'
import { planUninstall } from './install/plan.ts'

export const command = defineCommand({
  summary: 'take away what `paddock install` put there',
  usage: ['uninstall [--purge] [--root DIR] [--yes]'],
  description: `
Stops the two units and removes them. Alerts, evidence and policies stay, and with them the user that owns them,
unless --purge is given. Without --yes it only shows what it would do.

Exit code: 0 shown, done, or nothing to do; 2 it could not be done.`,
  options: {
    purge: {
      type: 'boolean',
      help: 'also remove /var/lib/paddock, /etc/paddock, the user and the group: all that Paddock remembers',
    },
    root: { type: 'string', value: 'DIR', help: "another host's tree; else /" },
    yes: { type: 'boolean', short: 'y', help: 'do it; without it nothing is changed' },
  },
  examples: [
    ['paddock uninstall', 'shows what it would do'],
    ['paddock uninstall --yes', 'stops and removes both units, and keeps what was recorded'],
  ],
  arguments: { min: 0, max: 0 },
  run({ options, io }) {
    const root = resolve(options.root ?? '/')
    const plan = planUninstall(readHost(root), options.purge === true)
    return Promise.resolve(carryOut(plan, root, options.yes === true, io))
  },
})
