import { closeSync, constants, lstatSync, openSync } from 'node:fs'
import { entriesOf } from './entries.ts'
import { hasCode } from '../../lib/errors.ts'

/** Where images keep programs. Elsewhere they are rare, and harden looks everywhere. */
const FOLDERS = [
  'bin',
  'sbin',
  'usr/bin',
  'usr/sbin',
  'usr/lib',
  'usr/libexec',
  'usr/local/bin',
  'usr/local/sbin',
  'opt',
]
const MAX_ENTRIES = 20_000
const MAX_DEPTH = 6

/**
 * Setuid and setgid programs in a running container's root, as paths inside it. No link is ever followed: each
 * folder is opened by its own descriptor, so that a container that swaps one for a link shows nothing of the host.
 */
export function findSetuid(pid: number): { paths: string[]; complete: boolean } {
  const paths: string[] = []
  let left = MAX_ENTRIES

  function walk(folder: number, at: string, depth: number): void {
    for (const entry of entriesOf(`/proc/self/fd/${folder}`)) {
      if (--left < 0) return
      const path = `${at}/${entry.name}`
      if (entry.isFile()) {
        const mode = modeOf(`/proc/self/fd/${folder}/${entry.name}`)
        // Setgid without group execution is mandatory locking, not a program.
        if ((mode & 0o4000) !== 0 || ((mode & 0o2000) !== 0 && (mode & 0o010) !== 0)) paths.push(path)
      } else if (entry.isDirectory() && depth < MAX_DEPTH) {
        descend(`/proc/self/fd/${folder}/${entry.name}`, (inner) => walk(inner, path, depth + 1))
      }
    }
  }

  descend(`/proc/${pid}/root/.`, (root) => {
    for (const folder of FOLDERS) enter(root, folder.split('/'), '', walk)
  })
  return { paths: paths.sort(), complete: left >= 0 }
}

function enter(
  folder: number,
  names: readonly string[],
  at: string,
  visit: (folder: number, at: string, depth: number) => void,
): void {
  const [name, ...rest] = names
  if (name === undefined) {
    visit(folder, at, 0)
    return
  }
  descend(`/proc/self/fd/${folder}/${name}`, (inner) => enter(inner, rest, `${at}/${name}`, visit))
}

function descend(place: string, visit: (folder: number) => void): void {
  let descriptor: number
  try {
    descriptor = openSync(place, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'EPERM', 'ESRCH')) return
    throw error
  }
  try {
    visit(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function modeOf(place: string): number {
  try {
    return lstatSync(place).mode
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES')) return 0
    throw error
  }
}
