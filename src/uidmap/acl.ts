/*
 * POSIX access control lists as the kernel keeps them in xattrs: acl(5), include/uapi/linux/posix_acl_xattr.h.
 * A version word, then per entry: tag and permissions (16 bits each), id (32 bits), little-endian, sorted by tag and id.
 */

export const ACCESS_XATTR = 'system.posix_acl_access'
export const DEFAULT_XATTR = 'system.posix_acl_default'

const VERSION = 2
const NO_ID = 0xffff_ffff

const tags = { owner: 0x01, user: 0x02, owningGroup: 0x04, group: 0x08, mask: 0x10, other: 0x20 } as const
export type AclTag = keyof typeof tags

export interface AclEntry {
  readonly tag: AclTag
  /** Of a `user` or `group` entry, as the host counts; null for the others. */
  readonly id: number | null
  /** rwx, as in a mode. */
  readonly permissions: number
}

export type Acl = readonly AclEntry[]

/** @returns null for what is no list of this version */
export function parseAcl(bytes: Uint8Array): Acl | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 4 || (bytes.length - 4) % 8 !== 0 || view.getUint32(0, true) !== VERSION) return null
  const entries: AclEntry[] = []
  for (let at = 4; at < bytes.length; at += 8) {
    const code = view.getUint16(at, true)
    const tag = (Object.keys(tags) as AclTag[]).find((name) => tags[name] === code)
    const permissions = view.getUint16(at + 2, true)
    if (tag === undefined || permissions > 7) return null
    const named = tag === 'user' || tag === 'group'
    entries.push({ tag, id: named ? view.getUint32(at + 4, true) : null, permissions })
  }
  return entries
}

export function serializeAcl(acl: Acl): Buffer {
  const sorted = acl.toSorted((a, b) => tags[a.tag] - tags[b.tag] || (a.id ?? 0) - (b.id ?? 0))
  const bytes = Buffer.alloc(4 + 8 * sorted.length)
  bytes.writeUInt32LE(VERSION, 0)
  for (const [index, { tag, id, permissions }] of sorted.entries()) {
    bytes.writeUInt16LE(tags[tag], 4 + 8 * index)
    bytes.writeUInt16LE(permissions, 6 + 8 * index)
    bytes.writeUInt32LE(id ?? NO_ID, 8 + 8 * index)
  }
  return bytes
}

/** The list that says what a mode says. */
export function aclOfMode(mode: number): Acl {
  return [
    { tag: 'owner', id: null, permissions: (mode >> 6) & 7 },
    { tag: 'owningGroup', id: null, permissions: (mode >> 3) & 7 },
    { tag: 'other', id: null, permissions: mode & 7 },
  ]
}

/**
 * The list with these permissions granted to one user besides what it had. The mask is opened for it, as setfacl(1)
 * does; what the old mask held back from others is taken out of their entries, so that nobody else gains anything.
 */
export function grantUser(acl: Acl, id: number, permissions: number): Acl {
  const mask = acl.find(({ tag }) => tag === 'mask')?.permissions ?? 7
  const isOwn = (entry: AclEntry) => entry.tag === 'user' && entry.id === id
  const had = (acl.find(isOwn)?.permissions ?? 0) & mask
  const others = acl
    .filter((entry) => entry.tag !== 'mask' && !isOwn(entry))
    .map((entry) => (isMasked(entry) ? { ...entry, permissions: entry.permissions & mask } : entry))
  const entries: AclEntry[] = [...others, { tag: 'user', id, permissions: had | permissions }]
  const union = entries.filter(isMasked).reduce((sum, entry) => sum | entry.permissions, 0)
  return [...entries, { tag: 'mask', id: null, permissions: union }]
}

function isMasked({ tag }: AclEntry): boolean {
  return tag === 'user' || tag === 'group' || tag === 'owningGroup'
}
