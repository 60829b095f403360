import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { attributeOf } from '../lib/libc/attributes.ts'
import { hasCode } from '../lib/errors.ts'

/** Types that container-selinux lets a confined container read; all but the read-only ones it may write as well. */
const READABLE = new Set([
  'container_file_t',
  'container_ro_file_t',
  'container_share_t',
  'svirt_sandbox_file_t',
])
const WRITABLE = new Set(['container_file_t', 'svirt_sandbox_file_t'])

/** Whether SELinux runs and denies (selinux(8)). @param selinuxfs "/sys/fs/selinux" */
export function isEnforcing(selinuxfs: string): boolean {
  try {
    return readFileSync(join(selinuxfs, 'enforce'), 'latin1').startsWith('1')
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false
    throw error
  }
}

/** The label of a file, "system_u:object_r:container_file_t:s0"; null where it has none. */
export function labelOf(fd: number): string | null {
  return attributeOf(fd, 'security.selinux')?.toString('latin1').replace(/\0.*$/s, '') ?? null
}

/** Whether a confined container may use a file of that label. */
export function labelAllows(label: string | null, writable: boolean): boolean {
  const type = label?.split(':')[2] ?? ''
  return (writable ? WRITABLE : READABLE).has(type)
}
