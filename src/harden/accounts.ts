import { readContent, resolve, type TreeNode, walk } from './image-tree.ts'
import type { Inode } from './inodes.ts'
import type { Subject } from './rules/rule.ts'

export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
  readonly shell: string
  readonly line: string
}

export interface Group {
  readonly name: string
  readonly gid: number
  readonly members: readonly string[]
  readonly line: string
}

const MOST_BYTES = 1024 * 1024

export function linesOf(root: TreeNode, path: string): string[] {
  const node = resolve(root, path).node
  if (node === null) return []
  return readContent(node.inode, MOST_BYTES)
    .toString('latin1')
    .split('\n')
    .filter((line) => line !== '')
}

/** passwd(5); lines that are none are left out. */
export function accountsOf(root: TreeNode): Account[] {
  return linesOf(root, '/etc/passwd').flatMap((line) => {
    const [name = '', , uid = '', gid = '', , home = '', shell = ''] = line.split(':')
    return /^\d{1,10}$/.test(uid) && name !== ''
      ? [{ name, uid: Number(uid), gid: Number(gid), home, shell, line }]
      : []
  })
}

/** group(5) */
export function groupsOf(root: TreeNode): Group[] {
  return linesOf(root, '/etc/group').flatMap((line) => {
    const [name = '', , gid = '', members = ''] = line.split(':')
    return /^\d{1,10}$/.test(gid) && name !== ''
      ? [{ name, gid: Number(gid), members: members.split(',').filter((member) => member !== ''), line }]
      : []
  })
}

/** The ids that something in the image runs as, or owns a file by. */
export interface NeededIds {
  readonly users: ReadonlySet<number>
  readonly groups: ReadonlySet<number>
}

/**
 * Who is needed: whom the image runs as, who owns files in it, whom its settings and scripts name as a user or group,
 * and whom a traced run showed.
 */
export function neededIds(subject: Subject): NeededIds {
  const { root, config, seenIds } = subject
  const accounts = accountsOf(root)
  const groups = groupsOf(root)
  const users = new Set<number>(seenIds?.users)
  const groupIds = new Set<number>(seenIds?.groups)
  const [user = '', group = ''] = config.user.split(':')
  const uid = idOf(
    user === '' ? '0' : user,
    accounts.map(({ name, uid: id }) => [name, id]),
  )
  if (uid !== null) users.add(uid)
  const gid =
    group === ''
      ? null
      : idOf(
          group,
          groups.map(({ name, gid: id }) => [name, id]),
        )
  if (gid !== null) groupIds.add(gid)
  for (const { inode } of walk(root)) {
    if (inode.uid !== 0) users.add(inode.uid)
    if (inode.gid !== 0) groupIds.add(inode.gid)
  }
  const named = namedIn(subject, new Set([...accounts, ...groups].map(({ name }) => name)))
  for (const account of accounts) if (named.has(account.name)) users.add(account.uid)
  for (const { name, gid: id } of groups) if (named.has(name)) groupIds.add(id)
  for (const account of accounts) if (users.has(account.uid)) groupIds.add(account.gid)
  return { users, groups: groupIds }
}

function idOf(text: string, names: readonly (readonly [string, number])[]): number | null {
  if (/^\d{1,10}$/.test(text)) return Number(text)
  return names.find(([name]) => name === text)?.[1] ?? null
}

const SPEAKS_OF_USERS =
  /user|group|owner|\bchown\b|\bsu\b|gosu|su-exec|runas|run_as|setpriv|uid|\binstall\b|\bsudo\b/i
const ACCOUNT_FILES =
  /^(passwd|group|shadow|gshadow|subuid|subgid|login\.defs|adduser\.conf|deluser\.conf)-?$/
const LONGEST_SETTINGS_BYTES = 256 * 1024

/** Which of these names stand in lines that speak of users: `user www-data;`, `exec gosu redis "$@"`. */
function namedIn({ root, config, keep }: Subject, names: ReadonlySet<string>): Set<string> {
  const etc = resolve(root, '/etc').node
  const settings = etc === null ? [] : walk(etc).filter((node) => !ACCOUNT_FILES.test(node.name))
  const scripts = walk(root).filter(
    (node) =>
      keep.has(node) &&
      (node.inode.mode & 0o111) !== 0 &&
      readContent(node.inode, 2).toString('latin1') === '#!',
  )
  // "daemon off;" and PATH name no account: of these a whole word counts, or what speaks of users.
  const values = config.env.map((line) => line.slice(line.indexOf('=') + 1))
  const words = [...values, ...config.entrypoint, ...config.command, ...(config.healthCheck ?? [])]
  const speaking = words.filter((word) => SPEAKS_OF_USERS.test(word))
  const found = new Set(words.filter((word) => names.has(word)))
  const look = (line: string) => {
    for (const word of line.split(/[^\w.-]+/)) if (names.has(word)) found.add(word)
  }
  speaking.forEach(look)
  // One file after the other: together they may be most of an image.
  for (const files of [settings, scripts])
    for (const { inode } of files)
      for (const line of smallText(inode).split('\n'))
        if (SPEAKS_OF_USERS.test(line) && !/^\s*#/.test(line)) look(line)
  return found
}

function smallText(inode: Inode): string {
  if (inode.sizeBytes > LONGEST_SETTINGS_BYTES) return ''
  return readContent(inode, LONGEST_SETTINGS_BYTES).toString('latin1')
}
