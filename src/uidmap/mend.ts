import { accessOf, type Inode, type Person } from './access.ts'
import { type IdMap, type IdMaps, toContainer, toHost } from './id-map.ts'
import { shellQuote } from './shell-quote.ts'

/** Owner and group, as the host counts. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

/**
 * The owner that an inode needs so that the container sees it as it would without remapping: an id that the map
 * does not reach, but that the container has, is moved into the map. Others stay.
 */
export function shiftedOwner(maps: IdMaps, { uid, gid }: Owner): Owner {
  return { uid: shiftedId(maps.uids, uid), gid: shiftedId(maps.gids, gid) }
}

export function shiftedId(map: IdMap, id: number): number {
  return toContainer(map, id) === null ? (toHost(map, id) ?? id) : id
}

/** The owner that lets someone do what it wants: the shifted one where that is enough, else the person itself. */
export function ownerFor(maps: IdMaps, inode: Inode, person: Person, wanted: number): Owner | null {
  const shifted = shiftedOwner(maps, inode)
  if ((wanted & ~accessOf(person, maps, { ...inode, ...shifted })) === 0) return shifted
  const uid = toHost(maps.uids, person.uid)
  const gid = toHost(maps.gids, person.gid)
  return uid === null || gid === null ? null : { uid, gid }
}

/** Folders of the system itself: to give one of them, or what is in some of them, to a container is to give it the host. */
const SYSTEM = /^\/(bin|boot|dev|etc|lib|lib32|lib64|libx32|proc|sbin|sys|usr)(\/|$)/
const SYSTEM_ITSELF = /^\/(home|media|mnt|opt|root|run|srv|tmp|var)?(\/(cache|lib|log|run|spool|tmp))?$/

/** Why nobody should be given this by Paddock; null where it may. @param path with links followed */
export function untouchable(path: string, mode: number): string | null {
  if (SYSTEM.test(path) || SYSTEM_ITSELF.test(path)) return "it is part of this machine's own system"
  return specialFile(mode)
}

/** Why an entry is never given away whatever tree it lies in; null where it may. */
export function specialFile(mode: number): string | null {
  return [SOCKET, CHARACTER_DEVICE, BLOCK_DEVICE].includes(mode & FILE_TYPE)
    ? 'it is a socket or a device: whoever may use it has what stands behind it'
    : null
}

const FILE_TYPE = 0o170000
const SOCKET = 0o140000
const CHARACTER_DEVICE = 0o020000
const BLOCK_DEVICE = 0o060000

export function chownCommand({ uid, gid }: Owner, path: string): string {
  return `chown ${uid}:${gid} ${shellQuote(path)}`
}

/** `x` for one id and nobody else. */
export function passCommand(uid: number, path: string): string {
  return `setfacl -m u:${uid}:x ${shellQuote(path)}`
}

export function fixCommand(container: string): string {
  return `paddock uidmap fix ${shellQuote(container)} --yes`
}
