import { readlinkSync, readdirSync, statSync } from 'node:fs'
import { hasCode } from '../../lib/errors.ts'
import type { SocketKind } from '../facts.ts'
import type { HostTree } from './host-tree.ts'

/** A running program of an engine. */
export interface EngineProcess {
  readonly pid: number
  readonly kind: SocketKind
  readonly uid: number
  readonly argv: readonly string[]
  /** Paths of the Unix sockets it listens on, as it named them. */
  readonly sockets: readonly string[]
  /** Addresses of the TCP sockets it listens on: "0.0.0.0:2375", "[::]:2376". */
  readonly tcp: readonly string[]
}

const KINDS: Readonly<Record<string, SocketKind>> = {
  dockerd: 'docker',
  podman: 'podman',
  containerd: 'containerd',
  buildkitd: 'buildkit',
  crio: 'crio',
}

/** Sockets of an engine that command nothing: metrics, events, debugging, networks' own. */
const SILENT = /(\/metrics\.sock|\/libnetwork\/[0-9a-f]+\.sock|\.ttrpc|[-/]debug\.sock)$/

/** Engines that run on the host itself; what runs in a container's own root is the container's affair. */
export function engineProcesses(tree: HostTree): EngineProcess[] {
  return tree
    .names('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const kind = KINDS[(tree.text(`/proc/${name}/comm`) ?? '').trim()]
      if (kind === undefined || !sharesRoot(tree, name)) return []
      const argv = (tree.text(`/proc/${name}/cmdline`) ?? '').split('\0').slice(0, -1)
      // Only `podman system service` answers others; each other podman is somebody's command.
      if (kind === 'podman' && !argv.includes('service')) return []
      const uid = Number(/^Uid:\t(\d+)/m.exec(tree.text(`/proc/${name}/status`) ?? '')?.[1] ?? 0)
      const inodes = socketInodes(tree, name)
      const sockets = listening(tree.text(`/proc/${name}/net/unix`) ?? '', inodes)
      const tcp = ['tcp', 'tcp6'].flatMap((each) =>
        listeningTcp(tree.text(`/proc/${name}/net/${each}`) ?? '', inodes),
      )
      return [
        { pid: Number(name), kind, uid, argv, sockets: sockets.filter((path) => !SILENT.test(path)), tcp },
      ]
    })
}

/** Paths that are listened on, of those sockets; a null set takes all. Lines of `/proc/net/unix`. */
export function listening(table: string, inodes: ReadonlySet<string> | null): string[] {
  const paths = table.split('\n').flatMap((line) => {
    const [, flags, inode, path] = /^\S+: \S+ \S+ (\S+) \S+ \S+ +(\d+) (\/.*)$/.exec(line) ?? []
    // __SO_ACCEPTON, include/uapi/linux/net.h.
    const accepts = (Number.parseInt(flags ?? '0', 16) & 0x10000) !== 0
    return path !== undefined && inode !== undefined && accepts && (inodes?.has(inode) ?? true) ? [path] : []
  })
  return [...new Set(paths)]
}

/** Addresses in state LISTEN, of those sockets. Lines of `/proc/net/tcp` and `tcp6`. */
export function listeningTcp(table: string, inodes: ReadonlySet<string> | null): string[] {
  return table.split('\n').flatMap((line) => {
    const [, local, port, inode] =
      /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} 0A \S+ \S+ \S+ +\d+ +\d+ (\d+) /.exec(line) ??
      []
    if (local === undefined || port === undefined || inode === undefined || !(inodes?.has(inode) ?? true))
      return []
    return [`${address(local)}:${Number.parseInt(port, 16)}`]
  })
}

// The kernel prints 32-bit words of the address as the machine stores them: little-endian on all we run on.
function address(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => [...Buffer.from(word, 'hex')].reverse())
  if (bytes.length === 4) return bytes.join('.')
  if (bytes.every((byte) => byte === 0)) return '[::]'
  if (bytes.slice(0, 15).every((byte) => byte === 0) && bytes[15] === 1) return '[::1]'
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)).toString(16),
  )
  return `[${groups.join(':')}]`
}

function sharesRoot(tree: HostTree, pid: string): boolean {
  if (!tree.live) return true
  try {
    const own = statSync('/', { bigint: true })
    const its = statSync(`/proc/${pid}/root/.`, { bigint: true })
    return own.dev === its.dev && own.ino === its.ino
  } catch (error) {
    // Not ours to look into (another user's, and we are not root): count it, rather than hide an engine.
    return hasCode(error, 'EACCES', 'EPERM')
  }
}

// Null where the descriptors may not be read: then every listening socket of its network counts.
function socketInodes(tree: HostTree, pid: string): ReadonlySet<string> | null {
  const folder = tree.locate(`/proc/${pid}/fd`)
  if (folder === null) return null
  try {
    const links = readdirSync(folder).map((name) => {
      try {
        return readlinkSync(`${folder}/${name}`)
      } catch (error) {
        if (hasCode(error, 'ENOENT')) return ''
        throw error
      }
    })
    return new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []))
  } catch (error) {
    if (hasCode(error, 'EACCES', 'EPERM', 'ENOENT')) return new Set()
    throw error
  }
}
