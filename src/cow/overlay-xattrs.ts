import { getXattrAt, listXattrsAt } from '../lib/libc/files.ts'
import { allocate, type Memory } from '../lib/libc/library.ts'
import type { Layer } from './change.ts'
import { UnreadableError } from './unreadable.ts'

/*
 * overlayfs keeps its own marks in xattrs under a prefix (kernel: Documentation/filesystems/overlayfs.rst, fs/overlayfs/xattrs.c).
 * A container sees none of them; one that it sets itself is stored escaped, `overlay.overlay.…`, and is an xattr like any other.
 */

/** The marks of one entry: values as overlayfs wrote them. */
export interface Marks {
  /** The directory hides those below it. */
  readonly opaque: boolean
  /** Whiteouts of the second form may stand in it. */
  readonly xattrWhiteouts: boolean
  /** Where its lower part is looked for instead: one name, or a path from the layers' roots. */
  readonly redirect: string | null
  /** The file has no data here; they lie further below. */
  readonly metacopy: boolean
  /** It is a whiteout of the second form, if it is an empty regular file. */
  readonly whiteout: boolean
}

export const NO_MARKS: Marks = {
  opaque: false,
  xattrWhiteouts: false,
  redirect: null,
  metacopy: false,
  whiteout: false,
}

// The kernel's own limits: XATTR_LIST_MAX and XATTR_SIZE_MAX.
const list = allocate(65_536)
const value = allocate(65_536)

// Written by the engine or the host's kernel, differs between image and layer directory by itself.
const IGNORED: ReadonlySet<string> = new Set(['security.selinux'])

/**
 * All xattr names of an entry as they are stored.
 * @param name in the directory open as `dir`; empty for the directory itself
 * @returns minus the error number where they cannot be read; none where the filesystem has none
 */
export function storedXattrs(dir: number, name: string): readonly string[] | number {
  const answer = listXattrsAt(dir, name, list)
  if (answer === 0 || answer === -95) return NONE
  if (answer < 0) return answer
  return list.bytes.toString('latin1', 0, answer - 1).split('\0')
}

const NONE: readonly string[] = []

export function readMarks(
  dir: number,
  name: string,
  stored: readonly string[],
  prefix: Layer['xattrPrefix'],
): Marks {
  if (!stored.some((xattr) => xattr.startsWith(prefix))) return NO_MARKS
  const text = (mark: string) =>
    stored.includes(prefix + mark) ? readValue(dir, name, prefix + mark, value).toString('latin1') : null
  const opaque = text('opaque')
  return {
    opaque: opaque === 'y',
    xattrWhiteouts: opaque === 'x',
    redirect: validRedirect(text('redirect')),
    metacopy: stored.includes(`${prefix}metacopy`),
    whiteout: stored.includes(`${prefix}whiteout`),
  }
}

/** As the kernel checks it: one name, or an absolute path without empty components; anything else counts as none. */
function validRedirect(redirect: string | null): string | null {
  if (redirect === null || redirect === '' || redirect.includes('\0')) return null
  const names = redirect.split('/')
  if (redirect.startsWith('/')) names.shift()
  else if (names.length > 1) return null
  return names.some((name) => name === '' || name === '.' || name === '..') ? null : redirect
}

/** The name that a container sees for a stored xattr; null for overlayfs's own, and for what is never compared. */
export function visibleXattr(stored: string, prefix: Layer['xattrPrefix']): string | null {
  if (IGNORED.has(stored)) return null
  if (!stored.startsWith(prefix)) return stored
  const rest = stored.slice(prefix.length)
  return rest.startsWith('overlay.') ? prefix + rest.slice('overlay.'.length) : null
}

export function hasVisibleXattrs(stored: readonly string[], prefix: Layer['xattrPrefix']): boolean {
  return stored.some((xattr) => visibleXattr(xattr, prefix) !== null)
}

/** The xattrs that a container sees, with their values. */
export function visibleXattrs(
  dir: number,
  name: string,
  stored: readonly string[],
  prefix: Layer['xattrPrefix'],
): ReadonlyMap<string, Buffer> {
  const found = new Map<string, Buffer>()
  for (const xattr of stored) {
    const visible = visibleXattr(xattr, prefix)
    if (visible !== null) found.set(visible, Buffer.from(readValue(dir, name, xattr, value)))
  }
  return found
}

/** An xattr that vanished since it was listed counts as empty. */
function readValue(dir: number, name: string, xattr: string, into: Memory): Buffer {
  const answer = getXattrAt(dir, name, xattr, into)
  if (answer >= 0) return into.bytes.subarray(0, answer)
  if (answer === -61 || answer === -2) return into.bytes.subarray(0, 0)
  throw new UnreadableError(answer)
}
