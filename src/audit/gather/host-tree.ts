import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  readdirSync,
  readlinkSync,
  lstatSync,
  type BigIntStats,
} from 'node:fs'
import { join, normalize } from 'node:path'
import { UserError, hasCode } from '../../lib/errors.ts'
import type { FileFact, ParentFolder } from '../facts.ts'
import { accessList } from './access-list.ts'

const MAX_BYTES = 4 << 20
const MAX_LINKS = 40

/** The host's files, or those of a tree that stands for a host (`--root`): no link leads out of it. */
export interface HostTree {
  readonly root: string
  /** Whether this is the host we run on: only then the name service and the kernel may be asked. */
  readonly live: boolean
  /** Where a host path really lies, below `root`; null when it does not exist. */
  locate(path: string): string | null
  /** The host path that a path stands for once its links are followed; null when it does not exist. */
  resolve(path: string): string | null
  /** At most 4 MiB of a regular file as text; null when there is none. */
  text(path: string): string | null
  /** Names in a folder, sorted; empty when there is none. */
  names(path: string): string[]
  /** Links followed; null when it does not exist. */
  stat(path: string): BigIntStats | null
  /** Mode and owner, with those of the folders above; null when it does not exist. */
  fact(path: string): FileFact | null
}

/** @param root an existing folder; "/" is the host itself */
export function hostTree(root: string): HostTree {
  const base = normalize(root).replace(/(?<=.)\/+$/, '')
  const live = base === '/'
  const real = (path: string): string => (live ? path : join(base, path))

  // Component by component, so that an absolute link inside the tree stays inside the tree.
  function resolve(path: string): string | null {
    let done = '/'
    let rest = path.split('/').filter(Boolean)
    for (let links = 0; rest.length > 0;) {
      const [name = '', ...others] = rest
      rest = others
      if (name === '.') continue
      if (name === '..') {
        done = join(done, '..')
        continue
      }
      const next = join(done, name)
      const entry = lstat(real(next))
      if (entry === null) return null
      if (!entry.isSymbolicLink()) {
        done = next
        continue
      }
      if (++links > MAX_LINKS) return null
      const target = readlinkSync(real(next))
      if (target.startsWith('/')) done = '/'
      rest = [...target.split('/').filter(Boolean), ...rest]
    }
    return done
  }

  function locate(path: string): string | null {
    const resolved = resolve(path)
    return resolved === null ? null : real(resolved)
  }

  function stat(path: string): BigIntStats | null {
    const place = locate(path)
    return place === null ? null : lstat(place)
  }

  return {
    root: base,
    live,
    locate,
    resolve,
    stat,
    text(path) {
      const place = locate(path)
      return place === null ? null : readText(place, path)
    },
    names(path) {
      const place = locate(path)
      if (place === null) return []
      try {
        return readdirSync(place).sort()
      } catch (error) {
        if (hasCode(error, 'ENOENT', 'ENOTDIR')) return []
        throw unreadable(path, error)
      }
    },
    fact(path) {
      const resolved = resolve(path)
      const entry = resolved === null ? null : lstat(real(resolved))
      if (resolved === null || entry === null) return null
      const names = resolved.split('/').filter(Boolean)
      const parents = names.map((_, index): ParentFolder => {
        const folder = `/${names.slice(0, index).join('/')}`
        const above = lstat(real(folder))
        return {
          path: folder,
          mode: Number(above?.mode ?? 0n) & 0o7777,
          uid: Number(above?.uid ?? 0n),
          gid: Number(above?.gid ?? 0n),
          acl: accessList(real(folder)),
        }
      })
      return {
        path,
        mode: Number(entry.mode) & 0o7777,
        uid: Number(entry.uid),
        gid: Number(entry.gid),
        type: entry.isFile()
          ? 'file'
          : entry.isDirectory()
            ? 'directory'
            : entry.isSocket()
              ? 'socket'
              : 'other',
        acl: accessList(real(resolved)),
        parents,
      }
    },
  }
}

function lstat(place: string): BigIntStats | null {
  try {
    return lstatSync(place, { bigint: true })
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return null
    throw unreadable(place, error)
  }
}

// Opened without waiting, and judged by the descriptor: a FIFO in the place of a file must not hold us.
function readText(place: string, path: string): string | null {
  let descriptor: number
  try {
    descriptor = openSync(place, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return null
    throw unreadable(path, error)
  }
  try {
    if (!fstatSync(descriptor).isFile()) return null
    const parts: Buffer[] = []
    for (let total = 0; ;) {
      const part = Buffer.allocUnsafe(64 << 10)
      const count = readSync(descriptor, part)
      if (count === 0) return Buffer.concat(parts).toString('utf8')
      total += count
      if (total > MAX_BYTES) throw new UserError(`cannot read ${path}: it is larger than 4 MiB`)
      parts.push(part.subarray(0, count))
    }
  } catch (error) {
    // A process that ended while its /proc file was read.
    if (hasCode(error, 'ESRCH')) return null
    if (error instanceof UserError) throw error
    throw unreadable(path, error)
  } finally {
    closeSync(descriptor)
  }
}

function unreadable(path: string, error: unknown): UserError {
  const why = error instanceof Error ? error.message.split(',')[0] : String(error)
  return new UserError(`cannot read ${path}: ${why}`, { hint: 'run it as root', cause: error })
}
