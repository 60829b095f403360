import { accessOf, type Inode, isDirectory, type Person } from './access.ts'
import { type Acl, aclOfMode, grantUser, parseAcl, serializeAcl } from './acl.ts'
import { offered, type Source, wantedOf } from './check-source.ts'
import { type EntryState, namespacedCapability } from './entry-state.ts'
import { identityMaps, type IdMaps, toHost } from './id-map.ts'
import { ownerFor, shiftedId, shiftedOwner } from './mend.ts'
import type { Tenant } from './tenant.ts'

/** What an entry is to become by changing owners: the container sees what it would see without remapping. */
export function ownedState(
  tenant: Tenant,
  source: Source,
  isSource: boolean,
  before: EntryState,
): EntryState {
  const { maps, people } = tenant
  const main = people[0]
  const owner = isSource
    ? (ownerFor(maps, inodeOfState(before), main, wantedOf(tenant, source, main)) ?? before)
    : shiftedOwner(maps, before)
  const after = {
    ...before,
    uid: owner.uid,
    gid: owner.gid,
    acl: shiftedAcl(maps, before.acl),
    defaultAcl: shiftedAcl(maps, before.defaultAcl),
  }
  if (after.uid === before.uid && after.gid === before.gid) return after
  return { ...after, capability: namespacedCapability(before.capability, toHost(maps.uids, 0) ?? 0) }
}

/** What an entry is to become by ACLs: owners stay, and each person who is kept out gets an entry of its own. */
export function grantedState(
  tenant: Tenant,
  source: Source,
  isSource: boolean,
  before: EntryState,
): EntryState {
  const { maps, people } = tenant
  if ((before.mode & 0o170000) === 0o120000) return before
  const inode = inodeOfState(before)
  const grants = people.flatMap((person): Grant[] => {
    const uid = toHost(maps.uids, person.uid)
    const wanted = isSource ? wantedOf(tenant, source, person) : wantedBelow(source, inode, person)
    const lacks = wanted & ~accessOf(person, maps, inode)
    return uid === null || lacks === 0 ? [] : [[uid, wanted]]
  })
  return withGrants(before, grants, isDirectory(before.mode))
}

function wantedBelow({ mount }: Source, inode: Inode, person: Person): number {
  return accessOf(person, identityMaps, inode) & offered(mount)
}

/** A user of the host, and what it is to be allowed. */
type Grant = readonly [uid: number, permissions: number]

/** @param inherit whether what is made in the folder later is to grant the same */
export function withGrants(before: EntryState, grants: readonly Grant[], inherit: boolean): EntryState {
  const present = before.acl === null ? aclOfMode(before.mode) : parseAcl(before.acl)
  const byDefault = before.defaultAcl === null ? aclOfMode(before.mode) : parseAcl(before.defaultAcl)
  if (grants.length === 0 || present === null || byDefault === null) return before
  const granted = (acl: Acl) =>
    grants.reduce((sum, [uid, permissions]) => grantUser(sum, uid, permissions), acl)
  const acl = granted(present)
  const mask = acl.find(({ tag }) => tag === 'mask')?.permissions ?? 0
  return {
    ...before,
    // The kernel shows the mask in place of the group's bits.
    mode: (before.mode & ~0o070) | (mask << 3),
    acl: serializeAcl(acl),
    defaultAcl: inherit ? serializeAcl(granted(byDefault)) : before.defaultAcl,
  }
}

function inodeOfState({ mode, uid, gid, acl }: EntryState): Inode {
  return { mode, uid, gid, acl: acl === null ? null : parseAcl(acl) }
}

function shiftedAcl({ uids, gids }: IdMaps, bytes: Buffer | null): Buffer | null {
  const acl = bytes === null ? null : parseAcl(bytes)
  if (bytes === null || acl === null) return bytes
  return serializeAcl(
    acl.map((entry) =>
      entry.id === null ? entry : { ...entry, id: shiftedId(entry.tag === 'user' ? uids : gids, entry.id) },
    ),
  )
}
