import { existsSync, realpathSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UserError } from '../lib/errors.ts'
import { defineCommand } from './command.ts'
import { carryOut } from './install/carry-out.ts'
import { readHost } from './install/host.ts'
import { planInstall } from './install/plan.ts'
import { packagedPrograms, type Programs } from './install/units.ts'

export const command = defineCommand({
  summary: 'the user, folders and systemd units that Paddock runs with',
  usage: ['install [--herd DIR] [--root DIR] [--yes]'],
  description: `
Shows what an installation needs and is not there yet: the system user and group paddock, the folders of state and
configuration, and two hardened systemd units, paddock-sensor and paddock-watch. With --yes it does it; where
systemd runs this host, it also starts them. Done again, it does only what is missing.

Exit code: 0 shown, done, or nothing to do; 2 it could not be done.`,
  options: {
    herd: {
      type: 'string',
      value: 'DIR',
      help: "also a unit that starts this herd's services with the host",
    },
    root: { type: 'string', value: 'DIR', help: "another host's tree, an image's for example; else /" },
    yes: { type: 'boolean', short: 'y', help: 'do it; without it nothing is changed' },
  },
  examples: [
    ['paddock install', 'shows what it would do'],
    ['paddock install --yes', 'does it, and starts both'],
    ['paddock install --herd /srv/herd --yes', 'and after a reboot every service of it is up again'],
    ['paddock install --root /srv/image --yes', 'into the tree of an image'],
  ],
  arguments: { min: 0, max: 0 },
  run({ options, io }) {
    const root = resolve(options.root ?? '/')
    const programs = options.root === undefined ? ownPrograms() : packagedPrograms
    const herd = options.herd === undefined ? null : herdFolder(options.herd, root)
    const plan = planInstall(readHost(root), programs, herd)
    return Promise.resolve(carryOut(plan, root, options.yes === true, io))
  },
})

/** @throws UserError where a unit could not name it, or there is none */
function herdFolder(typed: string, root: string): string {
  const path = root === '/' ? resolve(typed) : typed
  if (!/^\/[\w./@:+,-]*$/.test(path)) {
    throw new UserError(`cannot name the herd ${path} in a unit`, {
      hint: 'write its whole path; of letters, digits and ./@:+,_-',
    })
  }
  if (!existsSync(join(root, path))) throw new UserError(`there is no herd ${join(root, path)}`)
  return path
}

/**
 * Node, and the package that this very command is of.
 * @throws UserError where the user paddock could not read them
 */
function ownPrograms(): Programs {
  const dist = dirname(fileURLToPath(import.meta.url))
  if (!existsSync(`${dist}/watch.js`)) {
    // A checkout: what is installed is the package.
    return packagedPrograms
  }
  const node = realpathSync(process.execPath)
  for (const path of [node, dist]) {
    const closed = above(path).find((folder) => (statSync(folder).mode & 0o001) === 0)
    if (closed !== undefined) {
      throw new UserError(`cannot install from ${path}: ${closed} lets no other user through`, {
        hint: 'install Node and the package for all users, as npm install --global does it as root',
      })
    }
  }
  return { node, dist }
}

function above(path: string): string[] {
  const parent = dirname(path)
  return parent === path ? [] : [parent, ...above(parent)]
}
