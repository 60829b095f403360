import { UserError } from '../lib/errors.ts'

/**
 * Gives up root for good: user, group, and with them every capability, of all threads.
 * @param ids "998:997", user and group
 */
export function becomeUser(ids: string): void {
  const [uid = 0, gid = 0] = /^[1-9]\d{0,9}:[1-9]\d{0,9}$/.test(ids) ? ids.split(':').map(Number) : []
  if (uid === 0 || gid === 0) throw new UserError(`--user is '${ids}', not two ids like 998:997`)
  // Node has them on every system but Windows.
  process.setgroups?.([])
  process.setgid?.(gid)
  process.setuid?.(uid)
  if (process.getuid?.() !== uid || process.getgid?.() !== gid) throw new Error('root was not given up')
}
