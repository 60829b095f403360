/*
 * /etc/passwd and /etc/group, and the like of them in images. Texts are `latin1`, a character a byte, so that what is
 * not ours passes through unchanged. Lines that are no entry (comments, NIS's "+" and "-", garbage) are left alone.
 */

/** One line of passwd(5). */
export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly gecos: string
}

/** One line of group(5). */
export interface Group {
  readonly name: string
  readonly password: string
  readonly gid: number
  readonly members: readonly string[]
}

/*
 * The names that `paddock uidmap names` gives to mapped ids are known again by these, on each line by itself: comment
 * lines would be errors to pwck(8), and other programs sort the file.
 */
export const NAMES_GECOS = 'Paddock uid map'
/** A group's password that no password hashes to. */
export const NAMES_GROUP_PASSWORD = '!paddock'

export function isMappedAccount(account: Account): boolean {
  return account.gecos.startsWith(NAMES_GECOS)
}

export function isMappedGroup(group: Group): boolean {
  return group.password === NAMES_GROUP_PASSWORD
}

/** How long a name may be: useradd's limit, and what `utmp` and `ps` have room for. */
export const NAME_LENGTH = 32

const NAME = /^[a-z_][a-z0-9_-]*\$?$/

/** Why this cannot be a user's name on a Linux host; null when it can. */
export function nameProblem(name: string): string | null {
  if (name.length > NAME_LENGTH) return `is longer than ${NAME_LENGTH} characters`
  if (!NAME.test(name)) return 'is no user name (small letters, digits, "_" and "-", no digit first)'
  return null
}

export function parsePasswd(text: string): Account[] {
  return fields(text, 7).flatMap(([name = '', , uid = '', gid = '', gecos = '']) => {
    const ids = [parseId(uid), parseId(gid)] as const
    return ids[0] === null || ids[1] === null ? [] : [{ name, uid: ids[0], gid: ids[1], gecos }]
  })
}

export function parseGroup(text: string): Group[] {
  return fields(text, 4).flatMap(([name = '', password = '', gid = '', list = '']) => {
    const id = parseId(gid)
    const members = list.split(',').filter((one) => one !== '')
    return id === null ? [] : [{ name, password, gid: id, members }]
  })
}

/** Whether the file takes in names of a directory service by a line "+…" or "-…" (nsswitch's "compat"). */
export function hasNisEntries(text: string): boolean {
  return text.split('\n').some(isNisEntry)
}

/**
 * Adds lines behind the last, but before the first "+…": whoever reads on from there asks the network first.
 * A last line without its newline gets one.
 */
export function addLines(text: string, lines: readonly string[]): string {
  const block = lines.map((line) => `${line}\n`).join('')
  const nis = /^[+-]/m.exec(text)
  if (nis !== null) return text.slice(0, nis.index) + block + text.slice(nis.index)
  return text + (text === '' || text.endsWith('\n') ? '' : '\n') + block
}

/** Takes every line away for which `drop` says so. */
export function removeLines(text: string, drop: (line: string) => boolean): string {
  return text
    .split(/(?<=\n)/)
    .filter((line) => !drop(line.replace(/\n$/, '')))
    .join('')
}

function isNisEntry(line: string): boolean {
  return line.startsWith('+') || line.startsWith('-')
}

function fields(text: string, count: number): string[][] {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#') && !isNisEntry(line))
    .map((line) => line.split(':'))
    .filter((parts) => parts.length === count && parts[0] !== '')
}

/** A decimal id the kernel can hold, else null. */
export function parseId(text: string): number | null {
  if (!/^\d{1,10}$/.test(text)) return null
  const id = Number(text)
  return id <= 0xffff_fffe ? id : null
}
