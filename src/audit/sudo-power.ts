import picomatch from 'picomatch'
import type { Account, Group } from './facts.ts'
import type { SudoRule } from './gather/sudoers.ts'

/** Programs through which one commands an engine. */
const CLIENTS = [
  'docker',
  'podman',
  'dockerd',
  'docker-compose',
  'podman-compose',
  'nerdctl',
  'ctr',
  'crictl',
  'buildah',
  'buildctl',
  'skopeo',
  'runc',
  'crun',
]
const FOLDERS = [
  '/usr/bin',
  '/bin',
  '/usr/sbin',
  '/sbin',
  '/usr/local/bin',
  '/usr/local/sbin',
  '/snap/bin',
  '/opt/bin',
]

/** Subcommands that tell or restart, and give nobody a program of their choice. */
const HARMLESS = new Set([
  'ps',
  'images',
  'logs',
  'stats',
  'top',
  'version',
  'info',
  'restart',
  'start',
  'stop',
  'pause',
  'unpause',
  'port',
  'inspect',
  'events',
  'history',
  'pull',
])

export type SudoPower =
  | { readonly how: 'everything' }
  /** An engine's client, freely or with arguments that leave enough room. */
  | { readonly how: 'engine'; readonly command: string }

/** What a rule is worth to someone who wants root through an engine; null when nothing. The last match counts. */
export function sudoPower(rule: SudoRule): SudoPower | null {
  // Exceptions from ALL do not hold: sudoers(5) itself says that a copy under another name passes.
  if (rule.commands.includes('ALL')) return { how: 'everything' }
  const allowed = new Map<string, string>()
  for (const command of rule.commands) {
    const negated = command.startsWith('!')
    const { path, args } = parseCommand(negated ? command.slice(1) : command)
    for (const client of clientsMatching(path)) {
      if (negated && args === null) allowed.delete(client)
      else if (!negated && isPowerful(args)) allowed.set(client, command)
    }
  }
  const command = [...allowed.values()][0]
  return command === undefined ? null : { how: 'engine', command }
}

/** Accounts that a rule names, the superuser left out; the last match counts. */
export function sudoUsers(
  rule: Pick<SudoRule, 'users'>,
  accounts: readonly Account[],
  groups: readonly Group[],
): Account[] {
  const gid = (name: string): number | undefined =>
    name.startsWith('#') ? Number(name.slice(1)) : groups.find((group) => group.name === name)?.gid
  const matches = (account: Account, word: string): boolean => {
    if (word === 'ALL') return true
    if (word.startsWith('%')) {
      const wanted = gid(word.slice(1))
      return wanted !== undefined && account.groups.includes(wanted)
    }
    return word.startsWith('#') ? account.uid === Number(word.slice(1)) : account.name === word
  }
  return accounts.filter((account) => {
    const last = rule.users.findLast((word) => matches(account, word.replace(/^!/, '')))
    return account.uid !== 0 && last !== undefined && !last.startsWith('!')
  })
}

/** @returns `args` null when any are allowed, "" when none are */
function parseCommand(command: string): { path: string; args: string | null } {
  const [, path = '', rest] = /^(\S+)(?:\s+(.*))?$/s.exec(command.trim()) ?? []
  if (rest === undefined) return { path, args: null }
  return { path, args: rest.trim() === '""' ? '' : rest.trim() }
}

function clientsMatching(path: string): string[] {
  return FOLDERS.flatMap((folder) => CLIENTS.map((name) => `${folder}/${name}`))
    .filter((client) => {
      if (path.endsWith('/')) return client.startsWith(path) && !client.slice(path.length).includes('/')
      return (
        path === client ||
        (/[*?[]/.test(path) && picomatch.isMatch(client, path, { dot: true, nobrace: true, noextglob: true }))
      )
    })
    .concat(CLIENTS.includes(path.split('/').at(-1) ?? '') ? [path] : [])
}

function isPowerful(args: string | null): boolean {
  if (args === null) return true
  if (args === '') return false
  // A wildcard matches blanks too, so that any option can follow.
  if (/[*?[]/.test(args) || args.startsWith('^')) return true
  const subcommand = args.split(/\s+/).find((word) => !word.startsWith('-')) ?? ''
  const chooses = /(^|\s)(-H|--host|-c|--context|--config)\b/.test(args)
  return chooses || !HARMLESS.has(subcommand === 'container' ? (args.split(/\s+/)[1] ?? '') : subcommand)
}
