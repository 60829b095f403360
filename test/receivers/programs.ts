import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fetchPackages } from '../engine/packages.ts'

/** Programs that receive what watch tells, as Debian packs them: unpacked into the cache, never installed. */
const root = fetchPackages('receivers', 'bookworm', [
  'prometheus',
  'prometheus-alertmanager',
  'python3-aiosmtpd',
  'python3-attr',
  'python3-public',
  'python3-pkg-resources',
  'rsyslog',
  'libestr0',
  'libfastjson4',
  'liblognorm5',
])

export const programs = {
  alertmanager: join(root, 'usr/bin/prometheus-alertmanager'),
  prometheus: join(root, 'usr/bin/prometheus'),
  promtool: join(root, 'usr/bin/promtool'),
  rsyslogd: join(root, 'usr/sbin/rsyslogd'),
} as const

export const rsyslogModules = join(root, 'usr/lib/x86_64-linux-gnu/rsyslog')

const env = {
  ...process.env,
  LD_LIBRARY_PATH: join(root, 'usr/lib/x86_64-linux-gnu'),
  PYTHONPATH: join(root, 'usr/lib/python3/dist-packages'),
}

/**
 * Debian's Alertmanager looks for its templates in /usr/share: it gets one of its own, in a mount namespace, so that
 * the machine's stays as it is.
 */
export function startAlertmanager(args: readonly string[]): ChildProcess {
  const script =
    'mount -t tmpfs none /usr/share && ln -s "$0/usr/share/prometheus" /usr/share/prometheus && exec "$@"'
  return startProgram('unshare', ['--mount', 'sh', '-c', script, root, programs.alertmanager, ...args])
}

/** Starts a receiver and stops it when the test file ends. What it prints is shown when it dies early. */
export function startProgram(program: string, args: readonly string[]): ChildProcess {
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (printed = (printed + chunk.toString()).slice(-4000)))
  }
  let ending = false
  child.on('exit', (code) => {
    if (!ending) console.error(`${program} ended with ${code}: ${printed}`)
  })
  after(async () => {
    ending = true
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  return child
}

/** Waits for what a program of its own does; it throws what `attempt` last threw when a generous time is over. */
export async function eventually<T>(attempt: () => T | Promise<T>): Promise<T> {
  const until = Date.now() + 30_000
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (Date.now() > until) throw error
      await sleep(50)
    }
  }
}
