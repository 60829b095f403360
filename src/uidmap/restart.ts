import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../lib/errors.ts'
import type { Daemon } from './daemon.ts'
import type { Host } from './host.ts'
import { restartProcess } from './restart-process.ts'

/** One way of restarting a Docker daemon that something keeps. */
interface Way {
  readonly name: string
  /** Whether this is what keeps the daemon here. */
  readonly applies: (daemon: Daemon | null) => boolean
  readonly command: (daemon: Daemon | null) => readonly string[]
  /** Where the daemon's last words are. */
  readonly log: (daemon: Daemon | null) => string
}

/** What may keep the daemon, asked in this order. */
const ways: readonly Way[] = [
  {
    name: 'snap',
    applies: (daemon) => daemon?.unit?.startsWith('snap.docker.') === true,
    command: () => ['snap', 'restart', 'docker'],
    log: () => "'snap logs docker'",
  },
  {
    name: 'systemd',
    // sd_booted(3); a daemon started by hand runs in no unit.
    applies: (daemon) => existsSync('/run/systemd/system') && daemon?.unit !== null,
    command: (daemon) => ['systemctl', 'restart', daemon?.unit ?? 'docker.service'],
    log: (daemon) => `'journalctl -u ${daemon?.unit ?? 'docker.service'}'`,
  },
  {
    name: 'OpenRC',
    applies: (daemon) => isOwn(daemon) && existsSync('/run/openrc') && existsSync('/etc/init.d/docker'),
    command: () => ['rc-service', 'docker', 'restart'],
    log: () => '/var/log/docker.log',
  },
  {
    name: 'init.d',
    applies: (daemon) => isOwn(daemon) && existsSync('/etc/init.d/docker'),
    command: () => ['/etc/init.d/docker', 'restart'],
    log: () => '/var/log/docker.log',
  },
]

/** An init script knows the machine's own daemon only, which keeps its process id in the usual place. */
function isOwn(daemon: Daemon | null): boolean {
  const pidFile = daemon?.flags.get('pidfile')
  return pidFile === undefined || /^(\/var)?\/run\/docker.*\.pid$/.test(pidFile)
}

/** How the engine will be restarted; what it takes was found out before anything was changed. */
export interface Restart extends Disposable {
  /** For people: "systemctl restart docker.service". */
  readonly shown: string
  /** Where the daemon's last words are. */
  readonly log: string
  /** @throws a UserError when it fails, with what it said last */
  run(): Promise<void>
}

/**
 * Chooses the way: the command given, else what keeps the machine's own daemon, else the daemon is ended and started
 * anew as it was.
 * @param own what `--restart-command` says
 * @throws a UserError where there is none
 */
export function chooseRestart(host: Host, daemon: Daemon | null, own: string | undefined): Restart {
  if (own !== undefined) return byCommand(host, own, ['/bin/sh', '-c', own], "the engine's log")
  // With --root it is not the machine's own daemon that is meant.
  const way = host.root === '' ? ways.find(({ applies }) => applies(daemon)) : undefined
  if (way !== undefined) {
    const command = way.command(daemon)
    return byCommand(host, command.join(' '), command, way.log(daemon))
  }
  if (daemon !== null) return restartProcess(daemon, logFile(host))
  throw new UserError(
    'cannot restart the engine: no init system keeps it, and its process is not one of this machine',
    { hint: 'say how with --restart-command, or restart it yourself and leave --restart out' },
  )
}

function logFile(host: Host): string {
  mkdirSync(host.stateDir, { recursive: true, mode: 0o700 })
  return join(host.stateDir, 'restart.log')
}

function byCommand(
  host: Host,
  shown: string,
  [program = '', ...args]: readonly string[],
  log: string,
): Restart {
  return {
    shown,
    log,
    async run() {
      // A file, not a pipe: a daemon that the command leaves behind may keep it.
      const file = logFile(host)
      const output = openSync(file, 'w', 0o600)
      const child = spawn(program, args, { stdio: ['ignore', output, output] })
      closeSync(output)
      const problem = await new Promise<string>((resolve) => {
        child.once('error', (error) => {
          resolve(error.message)
        })
        child.once('exit', (code, signal) => {
          resolve(code === 0 ? '' : `exit ${code ?? signal ?? 'unknown'}`)
        })
      })
      if (problem === '') return
      const last = readFileSync(file, 'utf8').trim().split('\n').at(-1) ?? ''
      throw new UserError(`'${shown}': ${problem}${last === '' ? '' : ` (${last.slice(0, 500)})`}`)
    },
    [Symbol.dispose]: () => undefined,
  }
}
