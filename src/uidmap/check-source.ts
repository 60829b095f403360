import type { Mount } from '../engine/reader.ts'
import {
  accessOf,
  describeAccess,
  EXECUTE,
  type Inode,
  isDirectory,
  type Person,
  READ,
  WRITE,
} from './access.ts'
import type { Chain } from './chain.ts'
import { identityMaps, toHost } from './id-map.ts'
import { chownCommand, ownerFor, passCommand, untouchable } from './mend.ts'
import { isMountedReadOnly } from './mount-table.ts'
import type { PersonAccess, Problem } from './mount-report.ts'
import { labelAllows, labelOf } from './selinux.ts'
import { shellQuote } from './shell-quote.ts'
import type { Tenant } from './tenant.ts'

/** A mount's source, open. */
export interface Source {
  readonly mount: Mount
  readonly chain: Chain
  readonly inode: Inode
}

/** What a mount can give at most. */
export function offered({ writable }: Mount): number {
  return READ | EXECUTE | (writable ? WRITE : 0)
}

export function peopleAt({ people, maps }: Tenant, inode: Inode): PersonAccess[] {
  return people.map((person) => ({
    person,
    hostUid: toHost(maps.uids, person.uid),
    hostGid: toHost(maps.gids, person.gid),
    may: accessOf(person, maps, inode),
  }))
}

/** Someone whose id the map does not hold: the engine refuses to start as it. */
export function userProblem({ person, hostUid, hostGid }: PersonAccess, { chain }: Source): Problem[] {
  if (hostUid !== null && hostGid !== null) return []
  const id = hostUid === null ? `uid ${person.uid}` : `gid ${person.gid}`
  const why = `${id} of the container lies outside of the mapped range: nothing can run as it`
  return [{ kind: 'user', path: chain.path, person: person.name, lacks: '', why, mend: null }]
}

/** The runtime mounts a source as root of the container, unless it opens it from outside (runc 1.1 and later do). */
export function chainProblems({ maps, runtimeOpensMounts }: Tenant, chain: Chain): Problem[] {
  const hostRoot = toHost(maps.uids, 0)
  if (hostRoot === null) return []
  const root: Person = { name: 'root', uid: 0, gid: 0, groups: [], overrides: true }
  const why = runtimeOpensMounts
    ? `it does not let uid ${hostRoot} pass; the mount works only because this runtime opens it from outside (runc 1.1 and later)`
    : `it does not let uid ${hostRoot} pass, so that the runtime cannot mount what lies below`
  return chain.above
    .filter(({ inode }) => (accessOf(root, maps, inode) & EXECUTE) === 0)
    .map(({ path }) => ({
      kind: 'chain',
      path,
      person: 'root',
      lacks: 'x',
      why,
      mend: passCommand(hostRoot, path),
    }))
}

/**
 * Whom the container runs as must be able to use what it was given. Of the others it is asked only that they lost
 * nothing by the mapping: many a process has no business there.
 */
export function sourceProblem(
  tenant: Tenant,
  source: Source,
  { person, hostUid, hostGid, may }: PersonAccess,
): Problem[] {
  if (hostUid === null || hostGid === null) return []
  const { chain, inode, mount } = source
  const wanted = wantedOf(tenant, source, person)
  const path = chain.path
  const found: Problem[] = []
  if ((wanted & WRITE) !== 0 && isMountedReadOnly(chain.fd))
    found.push({
      kind: 'read-only',
      path,
      person: person.name,
      lacks: 'w',
      why: 'the file system there is mounted read-only',
      mend: `mount -o remount,rw ${shellQuote(path)}`,
    })
  const lacks = wanted & ~may
  if (lacks === 0) return found
  const owner = untouchable(path, inode.mode) === null ? ownerFor(tenant.maps, inode, person, wanted) : null
  const acl = inode.acl === null ? '' : ' with an ACL'
  found.push({
    kind: 'source',
    path,
    person: person.name,
    lacks: describeAccess(lacks),
    why: `it belongs to ${inode.uid}:${inode.gid}, mode ${(inode.mode & 0o7777).toString(8)}${acl}, and ${person.name} of ${tenant.name} is ${hostUid}:${hostGid} on the host${mount.writable ? '' : ' (mounted read-only)'}`,
    mend: owner === null ? null : chownCommand(owner, path),
  })
  return found
}

/** Which permissions someone should have at the source. */
export function wantedOf(tenant: Tenant, { inode, mount }: Source, person: Person): number {
  const before = accessOf(person, identityMaps, inode)
  const isMain = person === tenant.people[0]
  // A file that is mounted without ":ro" is mostly a configuration that nobody means to write.
  const needed = !isMain ? 0 : isDirectory(inode.mode) ? READ | WRITE | EXECUTE : READ
  return (before | needed) & offered(mount)
}

/** @param enforcing whether SELinux runs and denies */
export function labelProblem({ confined }: Tenant, { chain, mount }: Source, enforcing: boolean): Problem[] {
  if (!enforcing || !confined) return []
  const label = labelOf(chain.fd)
  if (labelAllows(label, mount.writable)) return []
  return [
    {
      kind: 'selinux',
      path: chain.path,
      person: null,
      lacks: '',
      why: `its SELinux label ${label ?? '(none)'} is not one that containers may ${mount.writable ? 'write' : 'read'}`,
      mend: `chcon -R -t container_file_t ${shellQuote(chain.path)}`,
    },
  ]
}
