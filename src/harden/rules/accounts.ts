import { accountsOf, groupsOf, linesOf, neededIds } from '../accounts.ts'
import { pathOf, resolve, type TreeNode } from '../image-tree.ts'
import { removable, type Rule } from './rule.ts'

export const rule: Rule = {
  id: 'accounts',
  title: 'accounts and groups that no process needs',
  reason: 'nobody can become an account that is not there; root’s own entry goes where nothing runs as root',
  byDefault: true,
  *plan(subject) {
    const { root, keep, untouchable } = subject
    const needed = neededIds(subject)
    const [accounts, groups] = [accountsOf(root), groupsOf(root)]
    const staying = new Set(accounts.filter(({ uid }) => needed.users.has(uid)).map(({ name }) => name))
    const stayingGroups = groups.filter(({ gid }) => needed.groups.has(gid))
    const groupNames = new Set(stayingGroups.map(({ name }) => name))
    const of = (names: ReadonlySet<string>) => (line: string) => names.has(line.split(':')[0] ?? '')
    const files: Readonly<Record<string, readonly string[]>> = {
      '/etc/passwd': accounts.filter(({ name }) => staying.has(name)).map(({ line }) => line),
      '/etc/shadow': linesOf(root, '/etc/shadow').filter(of(staying)),
      '/etc/group': stayingGroups.map(({ line, members }) => withMembers(line, members, staying)),
      '/etc/gshadow': linesOf(root, '/etc/gshadow')
        .filter(of(groupNames))
        .map((line) => withMembers(line, line.split(':')[3]?.split(',') ?? [], staying)),
      '/etc/subuid': linesOf(root, '/etc/subuid').filter(of(staying)),
      '/etc/subgid': linesOf(root, '/etc/subgid').filter(of(groupNames)),
    }
    for (const [path, lines] of Object.entries(files)) {
      const { node } = resolve(root, path)
      if (node?.inode.type !== 'file' || untouchable(node)) continue
      const before = linesOf(root, path)
      const gone = before.filter((line) => !of(new Set(lines.map((kept) => kept.split(':')[0] ?? '')))(line))
      if (before.join('\n') === lines.join('\n')) continue
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1')
      const names = gone.map((line) => line.split(':')[0] ?? '')
      yield {
        do: 'write',
        node,
        bytes,
        said: names.length === 0 ? 'members of groups' : `without ${names.join(', ')}`,
      }
    }
    for (const { name, home } of accounts) {
      const node = staying.has(name) ? null : homeOf(root, home)
      if (node !== null) yield* removable(node, keep)
    }
  },
}

/** The last field of a group's line holds who else is in it. */
function withMembers(line: string, members: readonly string[], staying: ReadonlySet<string>): string {
  return [...line.split(':').slice(0, 3), members.filter((name) => staying.has(name)).join(',')].join(':')
}

/** System accounts call folders home that are others' too ("/usr/sbin", "/var/mail"). */
function homeOf(root: TreeNode, home: string): TreeNode | null {
  if (home !== '/root' && !/^\/home\/[^/]+$/.test(home)) return null
  const { node } = resolve(root, home, { last: false })
  return node !== null && pathOf(node) === home ? node : null
}
