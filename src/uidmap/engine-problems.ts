import { pathText } from '../lib/byte-path.ts'
import { UserError } from '../lib/errors.ts'
import { accessOf, EXECUTE, type Person } from './access.ts'
import { openChain } from './chain.ts'
import type { Host } from './host.ts'
import { readHostFile } from './host.ts'
import { type IdMaps, toHost } from './id-map.ts'
import { passCommand } from './mend.ts'
import type { Obstacle } from './obstacle.ts'
import { daemonReads, type Setup } from './setup.ts'

/** Why this engine cannot be remapped by its configuration file, and what is to be known of it. */
export interface EngineProblems {
  readonly obstacles: readonly Obstacle[]
  readonly notes: readonly string[]
}

/** @param maps the planned ones */
export function engineProblems(setup: Setup, maps: IdMaps): EngineProblems {
  return {
    obstacles: [
      ...rootless(setup),
      ...flagConflict(setup),
      ...twoDaemons(setup),
      ...(setup.engine?.info.usernsRemap === true ? [] : dataRootProblems(setup, maps)),
    ],
    notes: [...elsewhere(setup), ...others(setup), ...liveRestore(setup)],
  }
}

function rootless({ engine }: Setup): Obstacle[] {
  if (engine?.info.rootless !== true) return []
  return [
    {
      problem: `cannot remap the engine at ${engine.reader.address}: it is rootless, and its containers' root is nobody on the host already`,
      hint: "see 'paddock uidmap status'",
    },
  ]
}

/** Docker does not start with a setting both on its command line and in its file (moby, `findConfigurationConflicts`). */
function flagConflict({ host, daemon, configFile }: Setup): Obstacle[] {
  const flag = daemon?.flags.get('userns-remap')
  if (flag !== undefined)
    return [
      {
        problem: `cannot set userns-remap in ${host.root}${configFile}: the daemon's command line (process ${daemon?.pid ?? 0}) says --userns-remap=${flag}, and it would not start with both`,
        hint: `take the flag out of ${daemon?.unit ?? 'what starts the daemon'}`,
      },
    ]
  if (daemon !== null) return []
  return STARTERS.flatMap((path): Obstacle[] => {
    const line = (readHostFile(host, path) ?? '')
      .split('\n')
      .find((one) => /--userns-remap\b/.test(one) && !/^\s*#/.test(one))
    if (line === undefined) return []
    return [
      {
        problem: `cannot set userns-remap in ${host.root}${configFile}: ${host.root}${path} starts the daemon with --userns-remap, and it would not start with both`,
        hint: 'take the flag out there',
      },
    ]
  })
}

/** Where a daemon that does not run gets its command line from. */
const STARTERS = [
  '/etc/systemd/system/docker.service',
  '/etc/systemd/system/docker.service.d/override.conf',
  '/etc/default/docker',
  '/etc/sysconfig/docker',
  '/etc/conf.d/docker',
]

function twoDaemons({ host, daemon, daemons, configFile }: Setup): Obstacle[] {
  const setup = { host, configFile, daemons, engine: null }
  const readers = daemons.filter((one) => daemonReads({ ...setup, daemon: one }, configFile) === true)
  if (readers.length < 2) return []
  const pids = readers.map(({ pid }) => pid).join(' and ')
  return [
    {
      problem: `cannot use ${host.root}${configFile}: two daemons read it (processes ${pids}), and both would be remapped`,
      hint: daemon === null ? 'stop one of them' : 'give one of them a file of its own with --config-file',
    },
  ]
}

/** The daemon refuses to start where its mapped root cannot pass (moby, `setupDaemonRoot`). */
function dataRootProblems({ engine }: Setup, maps: IdMaps): Obstacle[] {
  const hostRoot = toHost(maps.uids, 0)
  if (engine === null || hostRoot === null) return []
  const root: Person = { name: 'root', uid: 0, gid: 0, groups: [], overrides: true }
  try {
    using chain = openChain(engine.info.dataRoot)
    return chain.above
      .filter(({ inode }) => (accessOf(root, maps, inode) & EXECUTE) === 0)
      .map(({ path }) => ({
        problem: `cannot remap the engine at ${engine.reader.address}: its data root is ${engine.info.dataRoot}, and ${pathText(path)} does not let uid ${hostRoot} pass; it would not start`,
        hint: `say '${passCommand(hostRoot, path)}', or 'chmod o+x' on it`,
      }))
  } catch (error) {
    if (error instanceof UserError) return [{ problem: error.message, hint: error.hint ?? 'see there' }]
    throw error
  }
}

function elsewhere(setup: Setup): string[] {
  const { host, daemon, configFile } = setup
  return [configFile, '/etc/subuid'].flatMap((path) =>
    daemonReads(setup, path) === false
      ? [`the daemon (process ${daemon?.pid ?? 0}) does not read ${host.root}${path}, but a file of its own`]
      : [],
  )
}

function others({ daemon, daemons, engine }: Setup): string[] {
  if (engine === null || daemon === null) return []
  const count = daemons.filter(({ pid }) => pid !== daemon.pid).length
  return count === 0
    ? []
    : [
        `${count} more Docker ${count === 1 ? 'daemon runs' : 'daemons run'} here and stay as they are: this is about ${engine.reader.address}`,
      ]
}

function liveRestore({ engine }: Setup): string[] {
  if (engine?.info.liveRestore !== true || engine.info.usernsRemap) return []
  return [
    'live-restore is on: containers that run now go on under their old ids, unseen by the restarted engine; stop them first',
  ]
}

/** Whether the engine would take notice of what is written. */
export function restartProblem(setup: Setup, host: Host = setup.host): Obstacle[] {
  if (daemonReads(setup, setup.configFile) !== false) return []
  return [
    {
      problem: `cannot restart the engine to any effect: the daemon (process ${setup.daemon?.pid ?? 0}) does not read ${host.root}${setup.configFile}`,
      hint: 'give --root the folder whose etc it reads, or leave --restart out',
    },
  ]
}
