import type { HostConfig } from '../engine/reader.ts'
import type { Person } from './access.ts'
import { type Account, type Group, parseId } from './accounts.ts'
import { type IdMaps, toContainer } from './id-map.ts'

/** The accounts of a container, as its own files tell: hostile, good for names only. */
export interface Accounts {
  readonly users: readonly Account[]
  readonly groups: readonly Group[]
}

/** What the kernel says of a process (proc(5), /proc/<pid>/status), ids as the host counts. */
export interface Credentials {
  /** Of the file system, which decide about files. */
  readonly uid: number
  readonly gid: number
  readonly groups: readonly number[]
  readonly capabilities: bigint
}

const CAP_DAC_OVERRIDE = 1n << 1n

export function parseStatus(status: string): Credentials | null {
  const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]?.trim()
  const uid = parseId(field('Uid')?.split(/\s+/)[3] ?? '')
  const gid = parseId(field('Gid')?.split(/\s+/)[3] ?? '')
  const capabilities = /^[0-9a-f]{1,16}$/.exec(field('CapEff') ?? '')?.[0]
  if (uid === null || gid === null || capabilities === undefined) return null
  const groups = (field('Groups') ?? '').split(/\s+/).flatMap((one) => parseId(one) ?? [])
  return { uid, gid, groups, capabilities: BigInt(`0x${capabilities}`) }
}

/** Who a process is inside its container; null for one of another user namespace. */
export function personOf(
  { uid, gid, groups, capabilities }: Credentials,
  maps: IdMaps,
  { users }: Accounts,
): Person | null {
  const [own, ownGid] = [toContainer(maps.uids, uid), toContainer(maps.gids, gid)]
  if (own === null || ownGid === null) return null
  return {
    name: nameOf(users, own),
    uid: own,
    gid: ownGid,
    groups: groups.flatMap((group) => toContainer(maps.gids, group) ?? []),
    overrides: (capabilities & CAP_DAC_OVERRIDE) !== 0n,
  }
}

/** "www-data", or the digits. */
export function nameOf(users: readonly Account[], uid: number): string {
  return users.find((user) => user.uid === uid)?.name ?? String(uid)
}

/**
 * Whom a container will run as, from its configuration: `user`, `user:group`, names or ids, empty for root (moby,
 * `getUser`: supplementary groups from /etc/group unless a group is given).
 * @returns null where a name is in none of the container's files
 */
export function configuredPerson(
  spec: string,
  hostConfig: Pick<HostConfig, 'groupAdd' | 'privileged' | 'capAdd' | 'capDrop'>,
  accounts: Accounts,
): Person | null {
  const [user = '', group] = (spec === '' ? 'root' : spec).split(':')
  const account =
    accounts.users.find(({ name }) => name === user) ?? accounts.users.find(({ uid }) => String(uid) === user)
  const uid = account?.uid ?? (user === 'root' ? 0 : parseId(user))
  const gid = group === undefined ? (account?.gid ?? 0) : groupId(group, accounts)
  const added = hostConfig.groupAdd.map((one) => groupId(one, accounts))
  if (uid === null || gid === null) return null
  const member =
    group === undefined ? accounts.groups.filter(({ members }) => members.includes(account?.name ?? '')) : []
  return {
    name: nameOf(accounts.users, uid),
    uid,
    gid,
    groups: [...member.map((one) => one.gid), ...added.flatMap((one) => one ?? [])],
    overrides: uid === 0 && mayOverride(hostConfig),
  }
}

function groupId(group: string, { groups }: Accounts): number | null {
  return groups.find(({ name }) => name === group)?.gid ?? parseId(group)
}

/** Engines give DAC_OVERRIDE unless it is dropped. */
function mayOverride({
  privileged,
  capAdd,
  capDrop,
}: Pick<HostConfig, 'privileged' | 'capAdd' | 'capDrop'>): boolean {
  const has = (list: readonly string[]) => list.includes('DAC_OVERRIDE') || list.includes('ALL')
  return privileged || capAdd.includes('DAC_OVERRIDE') || capAdd.includes('ALL') || !has(capDrop)
}

/** Everyone once: the first of those who differ in nothing that decides about access. */
export function distinct(people: readonly Person[]): Person[] {
  const key = ({ uid, gid, groups, overrides }: Person) =>
    `${uid}:${gid}:${[...new Set(groups)].toSorted().join()}:${overrides}`
  return people.filter((person, index) => people.findIndex((one) => key(one) === key(person)) === index)
}
