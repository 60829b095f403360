import type { Mount } from '../../engine/reader.ts'
import type { EngineSocket, MountedFact, Place, Reach } from '../facts.ts'
import { hardLinkedSockets } from './hard-link.ts'
import type { HostTree } from './host-tree.ts'
import { holds, holdsPlace, parseMountinfo, placeOf } from './mount-table.ts'

type What = Reach['what']

/** How a place of the host is touched: a mount holds it whole, or lies within it. */
interface Sensitive {
  readonly what: What
  readonly path: string
  /** Whether a mount of something below counts too, and what below is harmless. */
  readonly within: 'never' | 'always' | { readonly butNot: RegExp }
}

/** The host's places that a container should not be given. */
const SENSITIVE: readonly Sensitive[] = [
  {
    what: 'system',
    path: '/etc',
    within: {
      butNot:
        /^\/etc\/(localtime|timezone|hosts|hostname|resolv\.conf|ssl\/certs(\/.*)?|pki\/ca-trust(\/.*)?|ca-certificates(\/.*)?)$/,
    },
  },
  { what: 'system', path: '/boot', within: 'always' },
  { what: 'system', path: '/var/spool/cron', within: 'always' },
  { what: 'proc', path: '/proc', within: 'always' },
  {
    what: 'sys',
    path: '/sys',
    within: { butNot: /^\/sys\/(fs\/cgroup(\/.*)?|class(\/.*)?|devices\/virtual\/dmi(\/.*)?)$/ },
  },
  {
    what: 'dev',
    path: '/dev',
    within: { butNot: /^\/dev\/(null|zero|full|random|urandom|shm(\/.*)?|log|snd(\/.*)?|dri(\/.*)?)$/ },
  },
  { what: 'programs', path: '/usr', within: { butNot: /^\/usr\/(share|src|local\/share)\/.*$/ } },
  { what: 'programs', path: '/bin', within: 'always' },
  { what: 'programs', path: '/sbin', within: 'always' },
  { what: 'programs', path: '/lib', within: 'always' },
  { what: 'programs', path: '/lib64', within: 'always' },
  { what: 'homes', path: '/root', within: 'never' },
  { what: 'homes', path: '/root/.ssh', within: 'always' },
  { what: 'homes', path: '/home', within: 'never' },
  { what: 'runtime', path: '/run/systemd/private', within: 'never' },
  { what: 'runtime', path: '/run/dbus/system_bus_socket', within: 'never' },
  { what: 'runtime', path: '/run/containerd', within: 'always' },
  { what: 'runtime', path: '/run/runc', within: 'always' },
]

/** What of the host can be reached through mounts, found by identity so that no other name hides it. */
export interface Reacher {
  configured(mounts: readonly Mount[]): Reach[]
  mounted(mounts: readonly MountedFact[], id: string): Reach[]
}

export function reacher(tree: HostTree, sockets: readonly EngineSocket[], dataRoot: string | null): Reacher {
  const table = parseMountinfo(tree.live ? (tree.text(`/proc/${process.pid}/mountinfo`) ?? '') : '')
  const real = (path: string): string | null => tree.resolve(path)
  const sensitive = SENSITIVE.flatMap((row) => {
    const path = real(row.path)
    return path === null ? [] : [{ ...row, real: path, place: placeOf(path, table) }]
  })
  const root = { path: '/', place: placeOf('/', table) }
  const data = dataRoot === null ? null : real(dataRoot)
  const dataPlace = data === null ? null : placeOf(data, table)

  /** One mount's host side, by path or by place, against everything. */
  function reaches(
    holdsIt: (path: string, place: Place | null) => boolean,
    liesIn: (path: string, place: Place | null) => string | null,
    mount: { source: string; target: string; writable: boolean },
  ): Reach[] {
    const found: Reach[] = []
    const add = (what: What, path: string): void => {
      found.push({ what, path, ...mount })
    }
    if (holdsIt(root.path, root.place)) add('root', '/')
    for (const socket of sockets) if (holdsIt(socket.realPath, socket.place)) add('socket', socket.path)
    for (const { what, path, real: realPath, place, within } of sensitive) {
      if (holdsIt(realPath, place)) {
        add(what, path)
        continue
      }
      const rest = within === 'never' ? null : liesIn(realPath, place)
      if (rest !== null && !(typeof within === 'object' && within.butNot.test(path + rest)))
        add(what, path + rest)
    }
    if (data !== null) {
      const rest = liesIn(data, dataPlace)
      if (holdsIt(data, dataPlace)) add('data-root', data)
      else if (rest !== null && !harmlessInDataRoot(rest)) add('data-root', data + rest)
    }
    return dropCovered(found)
  }

  return {
    configured(mounts) {
      return mounts
        .filter(({ type, source }) => type === 'bind' && source.startsWith('/'))
        .flatMap(({ source, target, writable }) => {
          const path = real(source)
          const stat = tree.stat(source)
          if (path === null || stat === null) return []
          const place = placeOf(path, table)
          // A hard link or a bind mount of a socket, or of a folder above it, has another path and the same identity.
          const linked = hardLinkedSockets(tree.locate(source) ?? path, stat.dev, sockets)
          const same = (socketPath: string): boolean =>
            sockets.some(
              (socket) =>
                socket.realPath === socketPath &&
                ((socket.device === stat.dev && socket.inode === stat.ino) ||
                  linked.includes(socket) ||
                  socket.folderIdentities.some(
                    ({ device, inode }) => device === stat.dev && inode === stat.ino,
                  )),
            )
          return reaches(
            (other, otherPlace) =>
              holds(path, other) ||
              same(other) ||
              (place !== null && otherPlace !== null && holdsPlace(place, otherPlace)),
            (other, otherPlace) =>
              restBelow(other, path) ??
              (place !== null && otherPlace?.device === place.device
                ? restBelow(otherPlace.path, place.path)
                : null),
            { source, target, writable },
          )
        })
    },
    mounted(mounts, id) {
      return mounts
        .filter(
          ({ target, filesystem, place }) =>
            target !== '/' && !KERNEL_FILESYSTEMS.has(filesystem) && !ownFiles(place.path, id),
        )
        .flatMap(({ target, place, writable }) =>
          reaches(
            (_path, other) => other !== null && holdsPlace(place, other),
            (_path, other) => (other?.device === place.device ? restBelow(other.path, place.path) : null),
            { source: place.path, target, writable },
          ),
        )
    },
  }
}

/** Mounted afresh by the runtime in each container, not taken from the host; the host's own are told by configuration. */
const KERNEL_FILESYSTEMS = new Set(['proc', 'sysfs', 'cgroup', 'cgroup2', 'mqueue', 'devpts'])

/** "/x" of "/data/x" below "/data"; null when it does not lie below. The root has everything below it, which says nothing. */
function restBelow(folder: string, path: string): string | null {
  return folder !== '/' && path.startsWith(`${folder}/`) ? path.slice(folder.length) : null
}

/** A volume's content, and the three files the engine gives every container. */
function harmlessInDataRoot(rest: string): boolean {
  return (
    /^(\/\d+\.\d+)?\/volumes\/[^/]+\/_data(\/.*)?$/.test(rest) ||
    /\/containers\/[0-9a-f]{64}\/(hosts|hostname|resolv\.conf|mounts\/.*)$/.test(rest)
  )
}

// "/" says it all: what lies in it by the same mount need not be listed, sockets excepted.
function dropCovered(found: readonly Reach[]): Reach[] {
  const whole = found.some(({ what }) => what === 'root')
  return whole ? found.filter(({ what }) => what === 'root' || what === 'socket') : [...found]
}

/** Files that Docker and Podman make for a container and mount into it: hosts, hostname, resolv.conf, shm, secrets. */
function ownFiles(path: string, id: string): boolean {
  return path.includes(`/containers/${id}/`) || path.includes(`/overlay-containers/${id}/userdata/`)
}
