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

// The kernel looks at exactly one class: the owner's bits for the owner, even where others may do more.
function granted(file: Pick<FileFact, 'mode' | 'uid' | 'gid'>, who: Who, bits: number): Access | null {
  if (who.uid === 0 || who.uid === file.uid) {
    const owner = who.uid === 0 || ((file.mode >> 6) & bits) === bits
    return owner ? { by: 'owner' } : null
  }
  if (who.gids.includes(file.gid))
    return ((file.mode >> 3) & bits) === bits ? { by: 'group', gid: file.gid } : null
  return (file.mode & bits) === bits ? { by: 'other' } : null
}
