import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { libraryPath, suiteDir } from '../../engine/packages.ts'
import { cgroupParent, makeRunFolder, removeRun } from '../../engine/run-folder.ts'

/** A host that systemd booted: in namespaces of its own, from this machine's tree with a layer over it. */
export interface BootedHost {
  /** Runs a program on it; its output without the last newline. Rejects when it fails. */
  run(...command: string[]): Promise<string>
  /** Until it answers what the regular expression says, or for minutes; the last answer. */
  until(expected: RegExp, ...command: string[]): Promise<string>
  /** Where this machine finds a path of it, until its next start. */
  path(path: string): string
  /** As `systemctl reboot` does; resolves when it is up again. */
  reboot(): Promise<void>
  remove(): Promise<void>
}

const PATIENCE_MS = 60_000

export async function bootHost(): Promise<BootedHost> {
  const folder = makeRunFolder()
  const log = join(folder, 'log')
  const output = openSync(log, 'a')
  const groups = makeControlGroups(cgroupParent(folder))
  const script = (name: string) => join(import.meta.dirname, name)
  // From a shell, since the groups must be entered by the process itself, and before the namespaces are made.
  const enter =
    'for group; do echo $$ > "$group/cgroup.procs"; done; exec unshare --mount sh "$HOST" "$RUN" "$START"'
  const host = spawn('setpriv', ['--pdeathsig', 'KILL', 'sh', '-ec', enter, 'sh', ...groups], {
    stdio: ['ignore', output, output],
    env: {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      HOST: script('host.sh'),
      RUN: folder,
      START: script('start.sh'),
    },
  })
  const ended = once(host, 'exit')

  async function init(): Promise<number> {
    const started = performance.now()
    for (;;) {
      const pid = firstProcess(groups[0] ?? '')
      if (pid !== null) return pid
      if (host.exitCode !== null || performance.now() - started > PATIENCE_MS)
        throw new Error(`the host does not start: ${readFileSync(log, 'utf8')}`)
      await sleep(100)
    }
  }

  async function run(...command: string[]): Promise<string> {
    const pid = await init()
    const words = [
      '--all',
      `--target=${pid}`,
      `--root=/proc/${pid}/root`,
      `--wd=/proc/${pid}/root`,
      ...command,
    ]
    return new Promise((resolve, reject) => {
      const env = { HOME: '/root', PATH: '/opt/paddock/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' }
      execFile('nsenter', words, { env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
        if (error === null) resolve(stdout.replace(/\n$/, ''))
        else reject(new Error(`${command.join(' ')}: exit ${String(error.code)}: ${stdout}${stderr}`))
      })
    })
  }

  async function until(expected: RegExp, ...command: string[]): Promise<string> {
    let said = ''
    for (const started = performance.now(); performance.now() - started < PATIENCE_MS;) {
      said = await run(...command).catch((error: unknown) => String(error))
      if (expected.test(said)) return said
      await sleep(300)
    }
    throw new Error(`${command.join(' ')} never said ${String(expected)}: ${said}`)
  }

  const up = () => until(/^(running|degraded)$/m, 'systemctl', 'is-system-running')
  const one: BootedHost = {
    run,
    until,
    path: (path) => join('/proc', String(firstProcess(groups[0] ?? '')), 'root', path),
    async reboot() {
      const before = await init()
      // The client may be cut off by what it asked for.
      await run('systemctl', 'reboot').catch(() => undefined)
      const started = performance.now()
      while (existsSync(`/proc/${before}/root/proc`)) {
        if (performance.now() - started > PATIENCE_MS) throw new Error('the host does not go down')
        await sleep(100)
      }
      await up()
    },
    async remove() {
      host.kill('SIGKILL')
      await ended
      for (let tries = 0; ; tries++) {
        try {
          await removeRun(folder)
          return
        } catch (error) {
          // Its last processes may still be ending.
          if (tries > 100) throw error
          await sleep(100)
        }
      }
    },
  }
  try {
    await up()
    return one
  } catch (error) {
    await one.remove()
    throw error
  }
}

/** One in each hierarchy: all that the host runs is in them, and under their names in `removeRun`. */
function makeControlGroups(parent: string): string[] {
  const roots = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4] ?? '')
  return roots.map((root) => {
    mkdirSync(root + parent)
    // Without these of its own no process may enter it (cgroups(7), version 1).
    for (const file of ['cpuset.cpus', 'cpuset.mems'])
      if (existsSync(`${root}${parent}/${file}`) && existsSync(`${root}/${file}`))
        writeFileSync(`${root}${parent}/${file}`, readFileSync(`${root}/${file}`))
    return root + parent
  })
}

/** The host's own process 1: the first of its process-id namespace, which is not this one's. */
function firstProcess(group: string): number | null {
  for (const pid of processesBelow(group)) {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'latin1')
      if (/^NSpid:\t\d+\t1$/m.test(status) && /^Name:\tsystemd$/m.test(status)) return pid
    } catch {
      // It ended meanwhile.
    }
  }
  return null
}

function processesBelow(group: string): number[] {
  try {
    const own = readFileSync(`${group}/cgroup.procs`, 'latin1').split('\n').filter(Boolean).map(Number)
    const below = readdirSync(group, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    return [...own, ...below.flatMap(({ name }) => processesBelow(join(group, name)))]
  } catch {
    return []
  }
}

/** Debian 12's engine as a unit. */
export function dockerUnit(): string {
  const own = join(suiteDir('bookworm'), 'usr')
  return `[Unit]
Description=The engine under test
After=network.target

[Service]
Type=notify
Environment=PATH=${own}/sbin:${own}/bin:/usr/sbin:/usr/bin:/sbin:/bin
Environment=LD_LIBRARY_PATH=${libraryPath()}
ExecStart=${own}/sbin/dockerd --init-path=${own}/bin/tini-static --exec-opt=native.cgroupdriver=cgroupfs --iptables=false --ip-forward=false
Delegate=yes
KillMode=process
LimitNOFILE=65536

[Install]
WantedBy=multi-user.target
`
}
