import { readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname } from 'node:path'

/** A running Docker daemon, as its process tells. */
export interface Daemon {
  readonly pid: number
  /** Long flags of the command line with their last value: "userns-remap" → "default". */
  readonly flags: ReadonlyMap<string, string>
  /** In the daemon's own view: "/etc/docker/daemon.json". */
  readonly configFile: string
  /** The systemd unit it runs in, "docker.service"; null where there is none. */
  readonly unit: string | null
}

export const DEFAULT_CONFIG_FILE = '/etc/docker/daemon.json'

/** Docker's flags that carry a value and matter here; a value may follow behind "=" or as the next word. */
const VALUED = ['userns-remap', 'config-file', 'data-root', 'host', 'exec-root', 'pidfile']
const SHORT: Readonly<Record<string, string>> = { '-H': 'host', '-g': 'data-root', '-p': 'pidfile' }

/** All Docker daemons of this machine: processes whose program is called dockerd. */
export function findDaemons(): Daemon[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const daemon = readDaemon(Number(name))
      return daemon === null ? [] : [daemon]
    })
}

function readDaemon(pid: number): Daemon | null {
  try {
    if (basename(readlinkSync(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, '') !== 'dockerd') return null
    const flags = parseFlags(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(1, -1))
    const unit = /([^/\n]+\.service)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? null
    return { pid, flags, configFile: flags.get('config-file') ?? DEFAULT_CONFIG_FILE, unit }
  } catch {
    // It ended meanwhile, or is not ours to look at.
    return null
  }
}

/** The long flags of a command line (pflag's grammar); a switch has the value "true". */
export function parseFlags(argv: readonly string[]): Map<string, string> {
  const flags = new Map<string, string>()
  for (let at = 0; at < argv.length; at++) {
    const [, long, , given] = /^--([a-z][a-z-]*)(=(.*))?$/s.exec(argv[at] ?? '') ?? []
    const name = long ?? SHORT[argv[at] ?? '']
    if (name === undefined) continue
    if (given !== undefined) flags.set(name, given)
    else if (VALUED.includes(name)) flags.set(name, argv[++at] ?? '')
    else flags.set(name, 'true')
  }
  return flags
}

/** Which of these listens on the socket. Null where it cannot be told: another host, another kernel's view. */
export function daemonBehind(daemons: readonly Daemon[], address: string): Daemon | null {
  const socket = /^unix:\/\/(\/.*)$/s.exec(address)?.[1]
  if (socket === undefined) return null
  return daemons.find(({ pid }) => listensOn(pid, socket)) ?? null
}

/** proc(5), /proc/net/unix: the sockets of the process's network namespace with their inodes and paths. */
function listensOn(pid: number, socket: string): boolean {
  try {
    const wanted = resolved(socket)
    const inodes = readFileSync(`/proc/${pid}/net/unix`, 'utf8')
      .split('\n')
      .map((line) => /^\S+ \S+ \S+ \S+ \S+ \S+ +(\d+) (.*)$/.exec(line))
      .filter((match) => match !== null && resolved(match[2] ?? '') === wanted)
      .map((match) => `socket:[${match?.[1] ?? ''}]`)
    if (inodes.length === 0) return false
    return readdirSync(`/proc/${pid}/fd`).some((fd) => inodes.includes(linkOf(`/proc/${pid}/fd/${fd}`)))
  } catch {
    return false
  }
}

/** /var/run/docker.sock and /run/docker.sock are the same. */
function resolved(path: string): string {
  try {
    return `${realpathSync(dirname(path))}/${basename(path)}`
  } catch {
    return path
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}

/**
 * Whether a daemon reads this very file, whatever the two call it: by inode, through the daemon's own root. Where the
 * file is not there yet, the folder that will hold it decides.
 * @param path as the daemon calls it: "/etc/docker/daemon.json"
 * @param place of the file as this process sees it
 */
export function readsFile({ pid }: Daemon, path: string, place: string): boolean {
  let [theirs, ours] = [path, place]
  for (;;) {
    const [one, other] = [statOrNull(`/proc/${pid}/root${theirs}`), statOrNull(ours)]
    if (one !== null && other !== null) return one.ino === other.ino && one.dev === other.dev
    if (one !== other || theirs === '/' || basename(theirs) !== basename(ours)) return false
    theirs = dirname(theirs)
    ours = dirname(ours)
  }
}

function statOrNull(path: string) {
  try {
    return statSync(path, { bigint: true })
  } catch {
    return null
  }
}
