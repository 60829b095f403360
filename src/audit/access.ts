import type { FileFact } from './facts.ts'

/** Somebody, as the kernel's permission check sees them. */
export interface Who {
  readonly uid: number
  readonly gids: readonly number[]
}

/** By which part of a file's mode somebody may write it. */
export type Access = { readonly by: 'owner' | 'other' } | { readonly by: 'group'; readonly gid: number }

const READ = 4
const WRITE = 2
const EXECUTE = 1

/** Whether, and by which bits, somebody may write a file that they can get at; uid 0 always may. */
export function writeAccess(file: FileFact, who: Who): Access | null {
  const access = granted(file, who, WRITE)
  return access !== null && reaches(file, who) ? access : null
}

export function readAccess(file: FileFact, who: Who): Access | null {
  const access = granted(file, who, READ)
  return access !== null && reaches(file, who) ? access : null
}

/** A folder above the file in which somebody may put another file in its place; null when there is none. */
export function replaceableIn(
  file: FileFact,
  who: Who,
): { readonly path: string; readonly access: Access } | null {
  for (const [index, folder] of file.parents.entries()) {
    const access = granted(folder, who, WRITE | EXECUTE)
    // In a sticky folder only the owner of the entry, or of the folder, may replace it.
    const below = file.parents[index + 1] ?? file
    const sticky = (folder.mode & 0o1000) !== 0 && below.uid !== who.uid && folder.uid !== who.uid
    if (access !== null && !sticky) return { path: folder.path, access }
    if (granted(folder, who, EXECUTE) === null) return null
  }
  return null
}

/** Someone who is nobody in particular: any account of the host. */
export const ANYONE: Who = { uid: -1, gids: [] }

function reaches(file: FileFact, who: Who): boolean {
  return file.parents.every((folder) => granted(folder, who, EXECUTE) !== null)
}

// posix_acl_permission, fs/posix_acl.c: the first class that fits decides, even where a later one would give more.
function granted(
  file: Pick<FileFact, 'mode' | 'uid' | 'gid' | 'acl'>,
  who: Who,
  bits: number,
): Access | null {
  const allows = (given: number): boolean => (given & bits) === bits
  if (who.uid === 0) return { by: 'owner' }
  if (who.uid === file.uid) return allows(file.mode >> 6) ? { by: 'owner' } : null
  const acl = file.acl ?? []
  const mask = acl.find(({ tag }) => tag === 'mask')?.bits ?? 7
  const named = acl.find(({ tag, id }) => tag === 'user' && id === who.uid)
  if (named !== undefined) return allows(named.bits & mask) ? { by: 'owner' } : null
  const owning = acl.find(({ tag }) => tag === 'owning group')
  const groups = [
    { id: file.gid, bits: owning === undefined ? file.mode >> 3 : owning.bits & mask },
    ...acl.filter(({ tag }) => tag === 'group').map(({ id, bits: given }) => ({ id, bits: given & mask })),
  ].filter(({ id }) => who.gids.includes(id))
  const group = groups.find(({ bits: given }) => allows(given))
  if (group !== undefined) return { by: 'group', gid: group.id }
  return groups.length === 0 && allows(file.mode) ? { by: 'other' } : null
}
