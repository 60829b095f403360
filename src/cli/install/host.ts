import { existsSync, lstatSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { hasCode, UserError } from '../../lib/errors.ts'
import { ACCOUNT, type HostFacts } from './plan.ts'

/** Looks at the host, or at the tree of one below `root`. @throws UserError when that is none */
export function readHost(root: string): HostFacts {
  const passwd = accounts(root, 'etc/passwd')
  const group = accounts(root, 'etc/group')
  return {
    hasGroup: group.has(ACCOUNT),
    hasUser: passwd.has(ACCOUNT),
    folder(path) {
      const stats = lstatSync(join(root, path), { throwIfNoEntry: false })
      if (stats === undefined) return null
      if (!stats.isDirectory()) {
        throw new UserError(`cannot use ${join(root, path)}: it is no folder`, { hint: 'move it away' })
      }
      return { mode: stats.mode & 0o7777, owner: nameOf(passwd, stats.uid), group: nameOf(group, stats.gid) }
    },
    text: (path) => readIfThere(join(root, path)),
    systemd: root === '/' && existsSync('/run/systemd/system'),
  }
}

/** Ids by name, of passwd(5) or group(5). */
export function accounts(root: string, path: string): ReadonlyMap<string, number> {
  const text = readIfThere(join(root, path))
  if (text === null) {
    throw new UserError(`cannot install into ${root}: it has no /${path}`, {
      hint: '--root names the tree of a whole host',
    })
  }
  const lines = text.split('\n').map((line) => line.split(':'))
  return new Map(lines.flatMap(([name, , id]) => (name && id ? [[name, Number(id)] as const] : [])))
}

function nameOf(ids: ReadonlyMap<string, number>, id: number): string {
  for (const [name, one] of ids) if (one === id) return name
  return String(id)
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    if (!(error instanceof Error)) throw error
    throw new UserError(`cannot read ${path}: ${error.message}`, { cause: error })
  }
}
