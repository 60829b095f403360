import {
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { hasCode, UserError } from '../lib/errors.ts'
import { releaseStale, withLocks } from './file-lock.ts'
import { type Host, placeOf, readHostFile } from './host.ts'

/** One file of the host, before and after. Texts are `latin1`; null is no file. */
export interface FileEdit {
  /** On the host: "/etc/passwd". */
  readonly path: string
  readonly before: string | null
  readonly after: string | null
  /** Permissions of a file that is new. */
  readonly mode: number
}

/**
 * Carries edits out: first all new files are written beside the old ones and reach the disk, then one rename after
 * the other puts them in place. At any instruction the power may fail: every file is the old or the new one. When a
 * rename fails, those before it are taken back.
 * @param written told after each file, in order
 * @throws a UserError; nothing was changed then
 */
export function carryOut(host: Host, edits: readonly FileEdit[], written: (path: string) => void): void {
  const places = edits.map(({ path }) => placeOf(host, path))
  const folders = makeFolders(places)
  // The file that is being worked on, for the message.
  let at = places[0] ?? ''
  try {
    withLocks(places, () => {
      for (const edit of edits) refuseChanged(host, edit)
      for (const [index, edit] of edits.entries()) {
        at = places[index] ?? ''
        if (edit.after !== null) writeFresh(at, edit.after, edit.mode)
      }
      for (const [index, edit] of edits.entries()) {
        at = places[index] ?? ''
        try {
          putInPlace(at, edit.after)
        } catch (error) {
          takeBack(edits.slice(0, index), places)
          throw error
        }
        written(edit.path)
      }
    })
  } catch (error) {
    for (const place of places) rmSync(freshName(place), { force: true })
    for (const folder of folders) rmdirSync(folder)
    throw cannotWrite(error, at)
  }
}

function makeFolders(places: readonly string[]): string[] {
  const folders = [...new Set(places.map((place) => dirname(place)))]
  return folders.filter((folder) => {
    try {
      // The path of the first folder made, undefined where all were there.
      return mkdirSync(folder, { recursive: true, mode: 0o755 }) !== undefined
    } catch (error) {
      throw cannotWrite(error, folder)
    }
  })
}

function refuseChanged(host: Host, { path, before }: FileEdit): void {
  if (readHostFile(host, path) === before) return
  throw new UserError(`cannot write ${host.root}${path}: another program changed it meanwhile`, {
    hint: 'run the command again; it will plan with the file as it is now',
  })
}

/** Always the same, so that what a power failure leaves is cleared away by the next run. */
function freshName(place: string): string {
  return join(dirname(place), `.${basename(place)}.paddock-new`)
}

/** Clears away what a run that the power failed on may have left beside these files. */
export function clearLeftovers(host: Host, paths: readonly string[]): void {
  for (const place of paths.map((path) => placeOf(host, path))) {
    rmSync(freshName(place), { force: true })
    releaseStale(place)
  }
}

function writeFresh(place: string, text: string, mode: number): void {
  const fresh = freshName(place)
  rmSync(fresh, { force: true })
  const fd = openSync(fresh, 'wx', 0o600)
  try {
    writeFileSync(fd, text, 'latin1')
    const old = statSync(place, { throwIfNoEntry: false })
    if (old !== undefined) chownSync(fresh, old.uid, old.gid)
    chmodSync(fresh, old === undefined ? mode : old.mode & 0o7777)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function putInPlace(place: string, after: string | null): void {
  if (after === null) rmSync(place)
  else renameSync(freshName(place), place)
  syncFolder(dirname(place))
}

function takeBack(done: readonly FileEdit[], places: readonly string[]): void {
  for (const [index, edit] of [...done.entries()].toReversed()) {
    const place = places[index] ?? ''
    if (edit.before !== null) writeFresh(place, edit.before, edit.mode)
    putInPlace(place, edit.before)
  }
}

/** A rename is on the disk when its folder is. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Why a write may fail, where more is to be said than the system does. */
const hints: Readonly<Record<string, string>> = {
  EROFS:
    'mount the file system writable; where /etc is generated (NixOS, ostree), make the change at its source',
  EPERM: "it may be immutable ('lsattr' shows an i), or you are not root",
  EACCES: 'run it as root',
  EBUSY: 'it is a mount of its own; where this runs in a container, give the host’s whole etc by --root',
  ENOSPC: 'make room on that file system',
  EDQUOT: 'make room on that file system',
  ENOENT: 'the folder above it went away',
  ENOTDIR: 'a file stands where a folder is needed',
  EIO: 'the disk or its file system is damaged; see the kernel log',
}

function cannotWrite(error: unknown, place: string): unknown {
  const [code, hint] = Object.entries(hints).find(([name]) => hasCode(error, name)) ?? []
  if (code === undefined || hint === undefined) return error
  const why = (error as Error).message.replace(/^\w+: /, '').replace(/, \w+ '.*$/s, '')
  return new UserError(`cannot write ${place}: ${why}; nothing was changed`, { hint, cause: error })
}
