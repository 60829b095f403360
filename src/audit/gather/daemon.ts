import { UserError } from '../../lib/errors.ts'
import type { Daemon, Listener, SettingSource } from '../facts.ts'
import { parseDaemonFlags } from './daemon-flags.ts'
import type { EngineProcess } from './engine-process.ts'
import type { HostTree } from './host-tree.ts'
import { readUnit, unitCommand } from './units.ts'

/**
 * How the audited engine was started and configured: the command line of its process where it runs, else its
 * unit's, and daemon.json beneath it.
 * @param address the engine's socket, "unix:///run/docker.sock"; null when only files are audited
 */
export function gatherDaemon(
  tree: HostTree,
  processes: readonly EngineProcess[],
  address: string | null,
): Daemon {
  const running = findProcess(tree, processes, address)
  const unit = readUnit(tree, 'docker.service')
  if (running?.kind === 'podman') return podman(running, address)
  if (running === null && unit === null && tree.stat('/etc/docker') === null && address === null)
    throw new UserError('there is no sign of an engine: no process, no docker.service, no /etc/docker')
  const argv = running?.argv ?? (unit === null ? [] : unitCommand(tree, unit))
  const flags = parseDaemonFlags(argv.slice(1))
  const given = flags.get('config-file')
  const configFile = typeof given === 'string' ? given : '/etc/docker/daemon.json'
  const { config, problem } = readConfig(tree, configFile)
  const settings = new Map<string, { value: unknown; from: SettingSource }>()
  for (const [name, value] of Object.entries(config)) settings.set(name, { value, from: 'daemon.json' })
  for (const [name, value] of flags) settings.set(name, { value, from: 'command line' })
  return {
    engine: 'docker',
    pid: running?.pid ?? 0,
    uid: running?.uid ?? 0,
    argv,
    configFile,
    config,
    configProblem: problem,
    listeners: listeners(tree, running, flags.get('hosts'), config['hosts'], address),
    settings,
  }
}

/** The process that answers on the address, or the only dockerd there is. */
function findProcess(
  tree: HostTree,
  processes: readonly EngineProcess[],
  address: string | null,
): EngineProcess | null {
  const engines = processes.filter(({ kind }) => kind === 'docker' || kind === 'podman')
  if (address === null) return engines.find(({ kind }) => kind === 'docker') ?? engines[0] ?? null
  const path = /^unix:\/\/(\/.*)$/.exec(address)?.[1]
  if (path === undefined) return null
  const real = tree.resolve(path)
  return (
    engines.find(({ sockets }) =>
      sockets.some((each) => each === path || (real !== null && tree.resolve(each) === real)),
    ) ?? null
  )
}

function podman(running: EngineProcess, address: string | null): Daemon {
  return {
    engine: 'podman',
    pid: running.pid,
    uid: running.uid,
    argv: running.argv,
    configFile: '/etc/containers/containers.conf',
    config: {},
    configProblem: null,
    listeners: [
      ...(address === null ? [] : [{ address, from: 'process' as const }]),
      ...running.tcp.map((each) => ({ address: `tcp://${each}`, from: 'process' as const })),
    ],
    settings: new Map(),
  }
}

function readConfig(
  tree: HostTree,
  path: string,
): { config: Readonly<Record<string, unknown>>; problem: string | null } {
  const text = tree.text(path)
  if (text === null) return { config: {}, problem: null }
  try {
    const value: unknown = JSON.parse(text.trim() === '' ? '{}' : text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return { config: value as Record<string, unknown>, problem: null }
    return { config: {}, problem: `${path} holds no JSON object` }
  } catch {
    // The parser's message quotes the file, and daemon.json may hold a proxy's password.
    return { config: {}, problem: `${path} is not valid JSON` }
  }
}

function listeners(
  tree: HostTree,
  running: EngineProcess | null,
  flags: unknown,
  config: unknown,
  address: string | null,
): Listener[] {
  const found: Listener[] = [
    ...strings(flags).map((each) => ({ address: canonical(each), from: 'command line' as const })),
    ...strings(config).map((each) => ({ address: canonical(each), from: 'daemon.json' as const })),
  ]
  if (found.length === 0)
    found.push({ address: address ?? 'unix:///var/run/docker.sock', from: 'command line' })
  if (found.some(({ address: each }) => each.startsWith('fd://'))) {
    const socket = readUnit(tree, 'docker.socket')
    for (const stream of socket?.values.get('Socket.ListenStream') ?? [])
      found.push({
        address: stream.startsWith('/') ? `unix://${stream}` : `tcp://${withHost(stream)}`,
        from: 'systemd socket',
      })
  }
  // What it really listens on, whoever opened it: a socket unit under another name, a flag set in a wrapper.
  for (const each of running?.tcp ?? [])
    if (!found.some(({ address: known }) => samePort(known, each)))
      found.push({ address: `tcp://${each}`, from: 'process' })
  return found
}

/** dockerd takes "tcp://", ":2375" and "0.0.0.0" too (opts/hosts.go): completed as it does. */
function canonical(host: string): string {
  const trimmed = host.trim()
  if (/^(unix|fd|npipe):\/\//.test(trimmed)) return trimmed
  if (trimmed.startsWith('/')) return `unix://${trimmed}`
  const rest = trimmed.replace(/^tcp:\/\//, '')
  const [, name = '', port = '2375'] = /^(\[[^\]]*\]|[^:/]*)(?::(\d+))?/.exec(rest) ?? []
  return `tcp://${name === '' ? '127.0.0.1' : name}:${port}`
}

function withHost(stream: string): string {
  return stream.includes(':') ? stream : `[::]:${stream}`
}

function samePort(address: string, real: string): boolean {
  return (
    address.startsWith('tcp://') &&
    address.slice(address.lastIndexOf(':')) === real.slice(real.lastIndexOf(':'))
  )
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
}
