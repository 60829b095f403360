import type { Acl } from './acl.ts'
import { type IdMaps, toContainer, toHost } from './id-map.ts'

/** Permission bits as in a mode. */
export const READ = 4
export const WRITE = 2
export const EXECUTE = 1

/** Someone in a container, by the container's own ids. */
export interface Person {
  /** "www-data", or "33" where the container has no name for it. */
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly groups: readonly number[]
  /** Whether it holds CAP_DAC_OVERRIDE in its user namespace: root does, unless the capability was dropped. */
  readonly overrides: boolean
}

/** What decides about access to a file. Ids as the host counts. */
export interface Inode {
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Null: the mode says it all. */
  readonly acl: Acl | null
}

const S_IFMT = 0o170000
const S_IFDIR = 0o040000

export function isDirectory(mode: number): boolean {
  return (mode & S_IFMT) === S_IFDIR
}

/**
 * What someone in a container may do to a file of the host: read, write, execute (a folder: pass through) as bits.
 * Follows acl(5), "access check algorithm", and the kernel's `generic_permission`: a capability of a user namespace
 * counts only for files whose owner and group both have an id in there (`capable_wrt_inode_uidgid`).
 * @returns 0 for someone whose uid or gid the map does not hold: nobody can run as it
 */
export function accessOf(person: Person, maps: IdMaps, inode: Inode): number {
  const uid = toHost(maps.uids, person.uid)
  const gid = toHost(maps.gids, person.gid)
  if (uid === null || gid === null) return 0
  const groups = [gid, ...person.groups.flatMap((group) => toHost(maps.gids, group) ?? [])]
  // An ACL whose mask, which the mode shows as the group's bits, is empty is not even looked at (acl_permission_check).
  const { acl } = inode
  const plain =
    acl === null || (inode.mode & 0o070) === 0 ? byMode(inode, uid, groups) : byAcl(acl, inode, uid, groups)
  return person.overrides && ownersAreMapped(maps, inode) ? plain | overridden(inode.mode) : plain
}

function ownersAreMapped(maps: IdMaps, { uid, gid }: Inode): boolean {
  return toContainer(maps.uids, uid) !== null && toContainer(maps.gids, gid) !== null
}

/** CAP_DAC_OVERRIDE executes only what someone may execute; a folder it passes always. */
function overridden(mode: number): number {
  return READ | WRITE | (isDirectory(mode) || (mode & 0o111) !== 0 ? EXECUTE : 0)
}

function byMode({ mode, uid: owner, gid: group }: Inode, uid: number, groups: readonly number[]): number {
  if (uid === owner) return (mode >> 6) & 7
  return (groups.includes(group) ? mode >> 3 : mode) & 7
}

function byAcl(acl: Acl, { uid: owner, gid: group }: Inode, uid: number, groups: readonly number[]): number {
  const mask = acl.find(({ tag }) => tag === 'mask')?.permissions ?? 7
  if (uid === owner) return permissionsOf(acl, 'owner')
  const named = acl.find((entry) => entry.tag === 'user' && entry.id === uid)
  if (named !== undefined) return named.permissions & mask
  const matching = acl.filter(
    (entry) =>
      (entry.tag === 'owningGroup' && groups.includes(group)) ||
      (entry.tag === 'group' && entry.id !== null && groups.includes(entry.id)),
  )
  if (matching.length === 0) return permissionsOf(acl, 'other')
  // Any one of the groups may grant; each bit is asked for by itself here.
  return matching.reduce((sum, { permissions }) => sum | permissions, 0) & mask
}

function permissionsOf(acl: Acl, tag: 'owner' | 'other'): number {
  return acl.find((entry) => entry.tag === tag)?.permissions ?? 0
}

/** "rw", "x" */
export function describeAccess(bits: number): string {
  return `${bits & READ ? 'r' : ''}${bits & WRITE ? 'w' : ''}${bits & EXECUTE ? 'x' : ''}`
}
