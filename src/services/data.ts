import { execFile } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  statSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { hasCode, UserError } from '../lib/errors.ts'
import type { EngineInfo } from '../engine/reader.ts'
import type { Scratch } from './separate.ts'
import type { DataFolder } from './settings.ts'

// See main.ts for why it is not imported.
const run = process.getBuiltinModule('node:util').promisify(execFile)

/** What an engine adds to the ids of its containers, as the host sees them. */
export interface IdOffset {
  readonly uid: number
  readonly gid: number
}

/** Docker keeps the data of a remapped engine in `<root>/<uid>.<gid>`, named by its first ids (source: moby daemon). */
export function idOffset({ usernsRemap, dataRoot }: Pick<EngineInfo, 'usernsRemap' | 'dataRoot'>): IdOffset {
  const ids = usernsRemap ? /\/(\d+)\.(\d+)\/?$/.exec(dataRoot) : null
  return { uid: Number(ids?.[1] ?? 0), gid: Number(ids?.[2] ?? 0) }
}

/**
 * Lets remapped users through to an instance's data: nobody else than root may list Paddock's folders, but they must be
 * passed. What lies above the state folder is not ours to open.
 * @throws UserError where a folder above it is closed
 */
export function letThrough(stateDir: string, root: string): void {
  const below = relative(stateDir, root).split('/')
  const own = below.map((_, count) => join(stateDir, ...below.slice(0, count)))
  for (const folder of own) {
    const { mode } = statSync(folder)
    if ((mode & 0o001) === 0) chmodSync(folder, (mode & 0o7777) | 0o011)
  }
  for (let folder = dirname(stateDir); ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) {
      throw new UserError(
        `cannot give containers their data in ${root}: ${folder} lets remapped users not through`,
        {
          hint: `chmod o+x ${folder}, or name another state folder with PADDOCK_STATE_DIR`,
        },
      )
    }
    if (folder === '/') return
  }
}

/**
 * Makes the declared folders of an instance, those that are missing. What is there stays as it is: a container may have
 * written it, and a link that it put there is not followed.
 * @param root PADDOCK_DATA
 */
export function makeDataFolders(root: string, folders: readonly DataFolder[], offset: IdOffset): void {
  try {
    // Remapped users pass through.
    mkdirSync(root, { recursive: true, mode: 0o711 })
    for (const folder of folders) makeFolder(root, folder, offset)
  } catch (error) {
    if (hasCode(error, 'ELOOP', 'ENOTDIR'))
      throw new UserError(
        `cannot make the data folders in ${root}: something else than a folder is in the way`,
        { cause: error },
      )
    if (hasCode(error, 'EACCES', 'EPERM'))
      throw new UserError(`cannot make the data folders in ${root}: permission denied`, {
        hint: 'run it as root',
        cause: error,
      })
    throw error
  }
}

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW

/** Name by name, each opened without following a link. */
function makeFolder(root: string, { path, uid, gid, mode }: DataFolder, offset: IdOffset): void {
  const names = path.split('/').filter((name) => name !== '' && name !== '.')
  let at = openSync(root, FOLDER)
  try {
    let isNew = names.length === 0
    for (const name of names) {
      isNew = makeOne(`/proc/self/fd/${at}/${name}`)
      const next = openSync(`/proc/self/fd/${at}/${name}`, FOLDER)
      closeSync(at)
      at = next
    }
    if (!isNew) return
    fchownSync(at, uid + offset.uid, gid + offset.gid)
    fchmodSync(at, mode)
  } finally {
    closeSync(at)
  }
}

function makeOne(path: string): boolean {
  try {
    mkdirSync(path, { mode: 0o711 })
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

/** Fills a test's folder with what production has; `cp -a` copies links as links. */
export async function copyData(from: string, to: string): Promise<void> {
  if (!existsSync(from)) return
  mkdirSync(dirname(to), { recursive: true, mode: 0o711 })
  const isFolder = lstatSync(from).isDirectory()
  if (isFolder) mkdirSync(to, { recursive: true, mode: 0o711 })
  await run('cp', ['-a', '--reflink=auto', '--', isFolder ? `${from}/.` : from, to])
}

/** Makes the copies that stand in for folders of the host. */
export async function makeScratch(scratch: readonly Scratch[]): Promise<void> {
  for (const { from, to, filled } of scratch) {
    if (existsSync(to)) continue
    const isFile = existsSync(from) && !lstatSync(from).isDirectory()
    if (filled || isFile) await copyData(from, to)
    if (existsSync(to)) continue
    mkdirSync(to, { recursive: true, mode: 0o755 })
    // As the one it stands for, or who may write there may not write here.
    if (!existsSync(from)) continue
    const { uid, gid, mode } = statSync(from)
    chownSync(to, uid, gid)
    chmodSync(to, mode & 0o7777)
  }
}

/** Removes an instance's folder, whatever is in it; what is mounted there is left alone. */
export async function removeData(root: string): Promise<void> {
  await run('rm', ['-rf', '--one-file-system', '--', root])
}
