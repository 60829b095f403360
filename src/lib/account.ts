import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { hasCode, UserError } from './errors.ts'

/** A user of this host, as passwd(5) has it; null where there is none. */
export function userIds(name: string, passwd = '/etc/passwd'): { uid: number; gid: number } | null {
  const [, , uid, gid] = row(passwd, name) ?? []
  return isId(uid) && isId(gid) ? { uid: Number(uid), gid: Number(gid) } : null
}

/** A group of this host, as group(5) has it, or by its number; null where there is none of that name. */
export function groupId(name: string, group = '/etc/group'): number | null {
  if (isId(name)) return Number(name)
  const [, , gid] = row(group, name) ?? []
  return isId(gid) ? Number(gid) : null
}

/** Those that systemd gives to services without a user of their own (systemd.exec, DynamicUser). */
const FIRST_DYNAMIC = 61184
const LAST_DYNAMIC = 65519

/**
 * An id that stands for no user and no group of this host, and that no process runs as: for a program that shall
 * have no rights where nobody made a user for it. Remapped users of containers are given whole ranges, never these.
 * @param before the one it had before, kept while it is still nobody's
 */
export function dynamicId(before: number, etc = '/etc', proc = '/proc'): number {
  const taken = new Set(['passwd', 'group'].flatMap((name) => idsIn(join(etc, name))))
  if (before >= FIRST_DYNAMIC && before <= LAST_DYNAMIC && !taken.has(before)) return before
  for (const pid of readdirSync(proc)) if (/^\d+$/.test(pid)) taken.add(ownerOf(join(proc, pid)))
  for (let id = FIRST_DYNAMIC; id <= LAST_DYNAMIC; id += 1) if (!taken.has(id)) return id
  throw new UserError('there is no id that no user has', { hint: 'make a user paddock: paddock install' })
}

function ownerOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.uid ?? -1
}

function idsIn(path: string): number[] {
  return rows(path).map(([, , id]) => Number(id))
}

function row(path: string, name: string): string[] | undefined {
  return rows(path).find(([first]) => first === name)
}

function rows(path: string): string[][] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}

function isId(text: string | undefined): text is string {
  return text !== undefined && /^\d{1,10}$/.test(text)
}
