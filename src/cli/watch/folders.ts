import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { dynamicId, userIds } from '../../lib/account.ts'
import { UserError } from '../../lib/errors.ts'

export interface Folders {
  readonly state: string
  readonly run: string
  readonly config: string
}

/** Whom watch runs as. */
export interface WatchUser {
  readonly uid: number
  readonly gid: number
  /** What is not as it should be, in a sentence; null when all is well. */
  readonly trouble: string | null
}

/** The user that watch runs as, where `paddock install` (or a package) made it. */
const WATCH_USER = 'paddock'
const PASSABLE = 0o001

/** Its own folder in the state folder. */
export function watchFolder({ state }: Folders): string {
  return join(state, 'watch')
}

/**
 * Makes the folders that the two programs share, and says whom watch is to run as: the user paddock, else ids that
 * nobody has. The state folder is passable for all and what is in it is not; the run folder belongs to watch's group,
 * which may make its socket there and, for the sticky bit, not remove the sensor's.
 * @throws UserError when other users could put something into them
 */
export function prepareFolders(folders: Folders): WatchUser {
  const own = watchFolder(folders)
  mkdirSync(own, { recursive: true, mode: 0o700 })
  mkdirSync(folders.run, { recursive: true })
  for (const path of [folders.state, folders.run]) refuseOpenFolder(path)
  const { uid, gid } = userIds(WATCH_USER) ?? nobody(own)
  chmodSync(folders.state, statSync(folders.state).mode | PASSABLE)
  const closed = [...above(folders.state), ...above(folders.run)].find((path) => !passable(path, uid, gid))
  if (closed !== undefined) return asRoot(folders, `${closed} lets no other user through`)
  chownSync(folders.run, 0, gid)
  chmodSync(folders.run, 0o1775)
  chownSync(own, uid, gid)
  chmodSync(own, 0o700)
  return { uid, gid, trouble: null }
}

function asRoot(folders: Folders, why: string): WatchUser {
  chmodSync(folders.run, 0o755)
  return {
    uid: 0,
    gid: 0,
    trouble: `watch runs as root, without its files and programs but with its rights: ${why}`,
  }
}

function nobody(own: string): { uid: number; gid: number } {
  const id = dynamicId(statSync(own).uid)
  return { uid: id, gid: id }
}

function refuseOpenFolder(path: string): void {
  const { mode, uid } = statSync(path)
  if (uid === 0 && (mode & 0o002) === 0) return
  throw new UserError(`cannot use the folder ${path}: other users than root may write to it`, {
    hint: 'set PADDOCK_STATE_DIR and PADDOCK_RUN_DIR to folders of their own',
  })
}

function above(path: string): string[] {
  const paths: string[] = []
  for (let at = dirname(resolve(path)); ; at = dirname(at)) {
    paths.push(at)
    if (at === dirname(at)) return paths
  }
}

function passable(path: string, uid: number, gid: number): boolean {
  const { mode, uid: owner, gid: group } = statSync(path)
  return (mode & (owner === uid ? 0o100 : group === gid ? 0o010 : PASSABLE)) !== 0
}
