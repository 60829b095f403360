import { existsSync } from 'node:fs'
import {
  addLines,
  NAMES_GECOS,
  NAMES_GROUP_PASSWORD,
  nameProblem,
  parseGroup,
  parsePasswd,
} from './accounts.ts'
import { withoutNames } from './disable-plan.ts'
import type { FileEdit } from './file-edit.ts'
import type { Host } from './host.ts'
import type { HostFiles } from './host-files.ts'
import { type IdMap, type IdMaps, toHost } from './id-map.ts'
import type { Accounts } from './people.ts'

/** The accounts of one image, as its own files tell: hostile. */
export interface ImageAccounts {
  /** "nginx:1", for messages. */
  readonly image: string
  readonly accounts: Accounts
}

/** A name for an id of the host. */
export interface MappedName {
  /** "dnginx" */
  readonly name: string
  readonly hostId: number
  /** In the container: "nginx". */
  readonly inside: string
}

export interface NamesPlan {
  readonly users: readonly MappedName[]
  readonly groups: readonly MappedName[]
  readonly edits: readonly FileEdit[]
  /** Names that were left out, and why. */
  readonly notes: readonly string[]
}

/** A passwd of more makes `ls` slow for everyone. */
const MOST_NAMES = 2000
const MOST_NOTES = 50
const SHELLS = ['/usr/sbin/nologin', '/sbin/nologin', '/bin/false']

/**
 * Entries for mapped ids, so that `ps` and `ls` on the host read well. None can log in: no password fits "*", and the
 * shell refuses. None takes a name or an id that is there already.
 * @param elsewhere names that a directory service knows
 */
export function planNames(
  host: Host,
  files: HostFiles,
  maps: IdMaps,
  images: readonly ImageAccounts[],
  elsewhere: ReadonlySet<string>,
): NamesPlan {
  const passwd = withoutNames('/etc/passwd', files.passwd) ?? ''
  const group = withoutNames('/etc/group', files.group) ?? ''
  const ownUsers = parsePasswd(passwd)
  const ownGroups = parseGroup(group)
  const notes: string[] = []
  const taken = new Set([
    ...ownUsers.map(({ name }) => name),
    ...ownGroups.map(({ name }) => name),
    ...elsewhere,
  ])
  const candidates = (of: (accounts: Accounts) => Found[]) =>
    images.flatMap(({ image, accounts }) => of(accounts).map((one) => ({ ...one, image })))
  const users = choose(
    candidates(({ users: all }) => all.map(({ name, uid }) => ({ name, id: uid }))),
    { map: maps.uids, takenIds: new Set(ownUsers.map(({ uid }) => uid)), takenNames: taken, notes },
  )
  const groups = choose(
    candidates(({ groups: all }) => all.map(({ name, gid }) => ({ name, id: gid }))),
    { map: maps.gids, takenIds: new Set(ownGroups.map(({ gid }) => gid)), takenNames: taken, notes },
  )
  const shell = SHELLS.find((path) => existsSync(`${host.root}${path}`)) ?? '/usr/sbin/nologin'
  const userLines = users.map(
    ({ name, hostId, inside }) =>
      `${name}:*:${hostId}:${groups.find((one) => one.hostId === hostId)?.hostId ?? NOGROUP}:${NAMES_GECOS}, ${inside} of containers:/nonexistent:${shell}`,
  )
  const groupLines = groups.map(({ name, hostId }) => `${name}:${NAMES_GROUP_PASSWORD}:${hostId}:`)
  return {
    users,
    groups,
    edits: edits(files, passwd, group, userLines, groupLines),
    notes: notes.slice(0, MOST_NOTES),
  }
}

const NOGROUP = 65534

/** All of our entries taken away. */
export function planNamesRemoval(files: HostFiles): FileEdit[] {
  const [passwd, group] = [withoutNames('/etc/passwd', files.passwd), withoutNames('/etc/group', files.group)]
  return edits(files, passwd ?? '', group ?? '', [], [])
}

function edits(
  files: HostFiles,
  passwd: string,
  group: string,
  userLines: readonly string[],
  groupLines: readonly string[],
): FileEdit[] {
  const added = (text: string, lines: readonly string[]) =>
    lines.length === 0 ? text : addLines(text, lines)
  return [
    { path: '/etc/group', before: files.group, after: added(group, groupLines), mode: 0o644 },
    { path: '/etc/passwd', before: files.passwd, after: added(passwd, userLines), mode: 0o644 },
  ].filter(({ before, after }) => before !== after)
}

interface Found {
  readonly name: string
  readonly id: number
}

interface Rules {
  readonly map: IdMap
  readonly takenIds: ReadonlySet<number>
  readonly takenNames: ReadonlySet<string>
  readonly notes: string[]
}

/** One name for each id: the one that most images give it. Where a name is taken, the id tells the two apart. */
function choose(
  found: readonly (Found & { image: string })[],
  { map, takenIds, takenNames, notes }: Rules,
): MappedName[] {
  const votes = new Map<string, Found & { images: Set<string> }>()
  for (const { name, id, image } of found) {
    const key = `${id}:${name}`
    const vote = votes.get(key) ?? { name, id, images: new Set<string>() }
    vote.images.add(image)
    votes.set(key, vote)
  }
  const order = [...votes.values()].toSorted(
    (a, b) => b.images.size - a.images.size || a.id - b.id || (a.name < b.name ? -1 : 1),
  )
  const used = new Set<string>()
  const chosen = new Map<number, MappedName>()
  for (const { name: inside, id, images } of order) {
    const hostId = toHost(map, id)
    if (hostId === null || chosen.has(hostId) || takenIds.has(hostId)) continue
    const name = freeName(inside, id, (one) => used.has(one) || takenNames.has(one))
    const problem = nameProblem(name)
    if (problem !== null) {
      notes.push(`no name for ${inside} (${id}) of ${[...images][0] ?? ''}: '${name}' ${problem}`)
      continue
    }
    if (chosen.size === MOST_NAMES) {
      notes.push(`more than ${MOST_NAMES} names: the others are left out`)
      break
    }
    used.add(name)
    chosen.set(hostId, { name, hostId, inside })
  }
  return [...chosen.values()].toSorted((a, b) => a.hostId - b.hostId)
}

function freeName(inside: string, id: number, isTaken: (name: string) => boolean): string {
  const name = `d${inside}`
  return isTaken(name) ? `${name}-${id}` : name
}
