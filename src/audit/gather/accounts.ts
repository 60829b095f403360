import { execFile } from 'node:child_process'
import { readdirSync, readlinkSync } from 'node:fs'
import { promisify } from 'node:util'
import { hasCode } from '../../lib/errors.ts'
import type { Account, Group, People } from '../facts.ts'
import type { HostTree } from './host-tree.ts'

const run = promisify(execFile)
const NAMES_AT_ONCE = 500

/** passwd(5) lines; malformed ones are left out. */
export function parsePasswd(text: string): Omit<Account, 'groups'>[] {
  return rows(text, 7).flatMap(([name = '', , uid = '', gid = '', , home = '', shell = '']) =>
    isId(uid) && isId(gid) ? [{ name, uid: Number(uid), gid: Number(gid), home, shell }] : [],
  )
}

/** group(5) lines; malformed ones are left out. */
export function parseGroup(text: string): Group[] {
  return rows(text, 4).flatMap(([name = '', , gid = '', members = '']) =>
    isId(gid)
      ? [
          {
            name,
            gid: Number(gid),
            members: members
              .split(',')
              .map((each) => each.trim())
              .filter(Boolean),
          },
        ]
      : [],
  )
}

/** Lines of `getent initgroups`: a name, then the ids of its supplementary groups, nested ones included. */
export function parseInitgroups(text: string): Map<string, number[]> {
  return new Map(
    text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => {
        const [name = '', ...ids] = line.trim().split(/\s+/)
        return [name, ids.filter(isId).map(Number)]
      }),
  )
}

/** Where nsswitch.conf(5) looks for accounts and groups besides files that we read ourselves. */
export function remoteSources(nsswitch: string): string[] {
  const local = new Set(['files', 'compat', 'systemd', 'db'])
  const named = nsswitch.split('\n').flatMap((line) => {
    const [, database, sources = ''] = /^\s*(passwd|group|initgroups):(.*?)(?:#.*)?$/.exec(line) ?? []
    return database === undefined
      ? []
      : sources
          .replace(/\[[^\]]*\]/g, ' ')
          .split(/\s+/)
          .filter(Boolean)
  })
  return [...new Set(named)].filter((source) => !local.has(source))
}

/** Accounts and groups: from the name service where the tree is this host, else from its files. */
export async function gatherPeople(tree: HostTree): Promise<People> {
  const remote = remoteSources(tree.text('/etc/nsswitch.conf') ?? '')
  const passwdFile = tree.text('/etc/passwd') ?? ''
  const groupFile = tree.text('/etc/group') ?? ''
  if (!tree.live) {
    const lacks = remote.length === 0 ? '' : `the accounts and groups of ${remote.join(', ')}`
    return assemble(parsePasswd(passwdFile), parseGroup(groupFile), new Map(), lacks, [])
  }
  const passwd = await getent(['passwd'])
  const group = await getent(['group'])
  const accounts = parsePasswd(passwd ?? passwdFile)
  const initgroups = new Map<string, number[]>()
  let whole = passwd !== null && group !== null
  const names = accounts.map(({ name }) => name).filter((name) => !name.startsWith('-'))
  for (let index = 0; index < names.length; index += NAMES_AT_ONCE) {
    const answer = await getent(['initgroups', ...names.slice(index, index + NAMES_AT_ONCE)])
    whole &&= answer !== null
    for (const [name, ids] of parseInitgroups(answer ?? '')) initgroups.set(name, ids)
  }
  const lacks = whole || remote.length === 0 ? '' : `what ${remote.join(', ')} knows: getent does not answer`
  const people = assemble(accounts, parseGroup(group ?? groupFile), initgroups, lacks, [])
  return { ...people, lingering: lingering(tree, people) }
}

function assemble(
  accounts: readonly Omit<Account, 'groups'>[],
  groups: readonly Group[],
  initgroups: ReadonlyMap<string, readonly number[]>,
  lacks: string,
  held: People['lingering'],
): People {
  const listed = new Map<string, number[]>()
  for (const { gid, members } of groups)
    for (const name of members) listed.set(name, [...(listed.get(name) ?? []), gid])
  const merged = accounts.map((account) => ({
    ...account,
    groups: [
      ...new Set([account.gid, ...(listed.get(account.name) ?? []), ...(initgroups.get(account.name) ?? [])]),
    ],
  }))
  return { accounts: merged, groups, lacks, lingering: held }
}

// A session that began before `gpasswd -d` keeps the group until it ends. Processes in containers are not sessions.
function lingering(tree: HostTree, people: People): People['lingering'] {
  const byUid = new Map<number, Set<number>>()
  for (const { uid, groups } of people.accounts)
    byUid.set(uid, new Set([...(byUid.get(uid) ?? []), ...groups]))
  const held = new Map<string, { uid: number; gid: number; pids: number[] }>()
  for (const pid of readdirSync('/proc').filter(isId)) {
    const status = tree.text(`/proc/${pid}/status`) ?? ''
    const uid = Number(/^Uid:\t(\d+)/m.exec(status)?.[1] ?? 0)
    const has = byUid.get(uid)
    if (uid === 0 || has === undefined || !inHostNamespace(pid)) continue
    for (const gid of (/^Groups:\t(.*)$/m.exec(status)?.[1] ?? '').split(' ').filter(isId).map(Number)) {
      if (has.has(gid)) continue
      const key = `${uid}:${gid}`
      const entry = held.get(key) ?? { uid, gid, pids: [] }
      if (entry.pids.length < 20) entry.pids.push(Number(pid))
      held.set(key, entry)
    }
  }
  return [...held.values()]
}

function inHostNamespace(pid: string): boolean {
  try {
    return ['mnt', 'pid'].every(
      (name) => readlinkSync(`/proc/${pid}/ns/${name}`) === readlinkSync(`/proc/self/ns/${name}`),
    )
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES', 'ESRCH', 'EPERM')) return false
    throw error
  }
}

async function getent(args: readonly string[]): Promise<string | null> {
  try {
    const { stdout } = await run('getent', args, { timeout: 20_000, maxBuffer: 64 << 20, encoding: 'utf8' })
    return stdout
  } catch (error) {
    // Exit 2: some name was not found; the rest was printed.
    if (error instanceof Error && 'code' in error && error.code === 2 && 'stdout' in error)
      return String(error.stdout)
    return null
  }
}

function rows(text: string, fields: number): string[][] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !/^[#+-]/.test(line))
    .map((line) => line.split(':'))
    .filter((row) => row.length >= fields)
}

function isId(text: string): boolean {
  return /^\d{1,10}$/.test(text)
}
