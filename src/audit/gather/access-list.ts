import { closeSync, constants, openSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { hasCode } from '../../lib/errors.ts'
import { getXattrAt } from '../../lib/libc/files.ts'
import { allocate } from '../../lib/libc/library.ts'
import type { AccessEntry } from '../facts.ts'

const TAGS: Readonly<Record<number, AccessEntry['tag']>> = {
  0x02: 'user',
  0x04: 'owning group',
  0x08: 'group',
  0x10: 'mask',
}
const memory = allocate(64 << 10)

/** The access list of a file of this machine, without what its mode says anyway; null where it has none. */
export function accessList(place: string): AccessEntry[] | null {
  let folder: number
  try {
    folder = openSync(dirname(place), constants.O_RDONLY | constants.O_DIRECTORY)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EPERM')) return null
    throw error
  }
  try {
    const name = Buffer.from(basename(place), 'utf8').toString('latin1')
    const length = getXattrAt(folder, name, 'system.posix_acl_access', memory)
    return length < 4 ? null : parseAccessList(memory.bytes.subarray(0, length))
  } finally {
    closeSync(folder)
  }
}

/** The kernel's form, include/uapi/linux/posix_acl_xattr.h: version 2, then tag, permissions, id of each entry. */
export function parseAccessList(bytes: Buffer): AccessEntry[] | null {
  if (bytes.length < 4 || bytes.readUInt32LE(0) !== 2) return null
  const entries: AccessEntry[] = []
  for (let at = 4; at + 8 <= bytes.length; at += 8) {
    const tag = TAGS[bytes.readUInt16LE(at)]
    if (tag !== undefined)
      entries.push({ tag, bits: bytes.readUInt16LE(at + 2), id: bytes.readUInt32LE(at + 4) })
  }
  return entries
}
