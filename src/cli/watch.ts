import { once } from 'node:events'
import { join } from 'node:path'
import { UserError } from '../lib/errors.ts'
import { printable } from '../lib/printable.ts'
import type { Finding } from '../protocol/findings.ts'
import { followFindings } from '../watch/follow-findings.ts'
import { SENSOR_SOCKET } from '../watch/start.ts'
import { type Program, supervise } from '../watch/supervisor.ts'
import { defineCommand, type ExitCode, type Io, shared } from './command.ts'
import { styleFor } from './style.ts'
import { keepAudits } from './watch/audits.ts'
import { findingLine } from './watch/finding-line.ts'
import { type Folders, prepareFolders } from './watch/folders.ts'
import { sensorProgram, watchProgram } from './watch/programs.ts'

export const command = defineCommand({
  summary: 'every unexpected change and program, the moment it happens',
  usage: ['watch [--exec alert|deny] [--listen ADDRESS] [--no-audit] [--json]'],
  description: `
Runs the sensor, which sees and judges, and watch, which remembers and tells, and starts each again within a second
when it dies. What is found is printed, and is kept as alerts until somebody acknowledges them: on the page
that watch serves, or with 'paddock alerts'. Once a day, and when a container is made or started, 'paddock audit --alert'
runs too, and what got worse is told likewise. Where systemd runs the two, this is not needed. Needs root.

It runs until SIGINT (Ctrl-C) or SIGTERM. Exit code: 0 nothing was found, 1 something was, 2 it could not start.`,
  options: {
    exec: {
      type: 'string',
      value: 'alert|deny',
      help: 'what becomes of programs that are not in the image, where policy says nothing; else alert',
    },
    listen: { type: 'string', value: 'ADDRESS', help: 'where watch serves its page; else 127.0.0.1:7411' },
    engine: { ...shared.engine, multiple: true },
    policy: shared.policy,
    json: { type: 'boolean', help: 'print findings as JSON (docs/json.md), one a line' },
    'no-audit': { type: 'boolean', help: 'audit neither daily nor when a container starts' },
  },
  examples: [
    ['paddock watch', 'prints findings, and serves the page at http://127.0.0.1:7411/'],
    ['paddock watch --exec deny', 'programs that are not in the image do not run'],
    ['paddock watch --json | jq -r \'select(.severity == "critical") | .summary\'', 'for programs'],
  ],
  arguments: { min: 0, max: 0 },
  async run({ options, io }): Promise<ExitCode> {
    const { exec = 'alert', listen = '127.0.0.1:7411', engine = [], policy } = options
    if (exec !== 'alert' && exec !== 'deny') {
      throw new UserError(`--exec is '${exec}'`, { hint: 'say --exec alert or --exec deny' })
    }
    if (process.getuid?.() !== 0) {
      throw new UserError('cannot watch: the sensor needs the rights of root', { hint: 'run it with sudo' })
    }
    const folders = foldersOf(io.env)
    const user = prepareFolders(folders)
    if (user.trouble !== null) io.stderr.write(`paddock: ${printable(user.trouble)}\n`)
    const found = { count: 0 }
    const print = printer(options.json === true, io, found)
    const failure = await runBoth(
      {
        sensor: sensorProgram({ exec, engines: engine, policy, gid: user.gid }, process.env),
        watch: watchProgram(listen, folders, user, process.env),
      },
      { io, folders, print, engines: engine, audits: options['no-audit'] !== true },
    )
    if (failure !== null) throw new UserError(failure)
    return found.count === 0 ? 0 : 1
  },
})

type Print = (finding: Finding) => Promise<unknown> | undefined

interface Running {
  readonly io: Io
  readonly folders: Folders
  readonly print: Print
  readonly engines: readonly string[]
  readonly audits: boolean
}

/** @returns null when it was asked to end, else why it could not start */
async function runBoth(
  programs: { readonly sensor: Program; readonly watch: Program },
  { io, folders, print, engines, audits }: Running,
): Promise<string | null> {
  const ending = {
    sensor: new AbortController(),
    watch: new AbortController(),
    follow: new AbortController(),
    audits: new AbortController(),
  }
  const run = async (name: 'sensor' | 'watch') => {
    const program = programs[name]
    const unusable = await supervise(program, {
      signal: ending[name].signal,
      onLine: (line) => io.stderr.write(`${printable(line)}\n`),
      onDeath: (cause, againInMs) =>
        io.stderr.write(`paddock: ${program.name} ended, ${cause}; it is started again in ${againInMs} ms\n`),
    })
    return unusable && printable(unusable.line)
  }
  // The sensor first, so that it sees no end of watch, and its last findings reach the terminal.
  const asked = () => {
    ending.audits.abort()
    ending.sensor.abort()
  }
  io.signal.addEventListener('abort', asked)
  if (io.signal.aborted) asked()
  const socketPath = join(folders.run, SENSOR_SOCKET)
  const following = followFindings({ socketPath, signal: ending.follow.signal, onFinding: print })
  const [sensor, watch] = [run('sensor'), run('watch')]
  const auditing = audits
    ? keepAudits({
        folders,
        engines,
        env: process.env,
        signal: ending.audits.signal,
        onLine: (line) => io.stderr.write(`${printable(line)}\n`),
      })
    : null
  const failure = await Promise.race([sensor, watch])
  ending.audits.abort()
  await auditing
  ending.sensor.abort()
  await sensor
  ending.watch.abort()
  await watch
  ending.follow.abort()
  await following
  io.signal.removeEventListener('abort', asked)
  return failure
}

/** What counts for the exit code: findings, and troubles that leave a hole. */
function isBad({ kind, severity }: Finding): boolean {
  return (kind !== 'lifecycle' && kind !== 'trouble') || severity === 'high' || severity === 'critical'
}

function printer(json: boolean, io: Io, found: { count: number }): Print {
  const style = styleFor(io.stdout, io.env)
  return (finding) => {
    if (isBad(finding)) found.count += 1
    const line = json ? JSON.stringify(finding) : findingLine(finding, style)
    return io.stdout.write(`${line}\n`) ? undefined : once(io.stdout, 'drain')
  }
}

function foldersOf(env: Io['env']): Folders {
  return {
    state: env['PADDOCK_STATE_DIR'] ?? '/var/lib/paddock',
    run: env['PADDOCK_RUN_DIR'] ?? '/run/paddock',
    config: env['PADDOCK_CONFIG_DIR'] ?? '/etc/paddock',
  }
}
