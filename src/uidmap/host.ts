import { lstatSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'
import { hasCode, UserError } from '../lib/errors.ts'

/** Whose files are read and written: the machine's own, or a copy of them. */
export interface Host {
  /** '' for the machine itself, else a folder that holds `etc/`: absolute, links resolved, no slash at the end. */
  readonly root: string
  /** Where Paddock keeps what it needs to undo. */
  readonly stateDir: string
}

const MAX_FILE_BYTES = 16 * 1024 * 1024

/**
 * @param root what `--root` says
 * @param stateDir what PADDOCK_STATE_DIR says; else /var/lib/paddock, below the root
 */
export function openHost(root: string | undefined, stateDir: string | undefined): Host {
  const folder = root === undefined || resolve(root) === '/' ? '' : realRoot(root)
  return { root: folder, stateDir: join(stateDir ?? `${folder}/var/lib/paddock`, 'uidmap') }
}

function realRoot(root: string): string {
  try {
    const folder = realpathSync(resolve(root))
    if (statSync(join(folder, 'etc')).isDirectory()) return folder === '/' ? '' : folder
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw error
  }
  throw new UserError(`cannot use --root ${root}: there is no folder ${join(root, 'etc')}`, {
    hint: "give a folder that holds a copy of this machine's etc",
  })
}

/**
 * Where a file of the host really lies: below the root, links followed, for a file that is replaced by rename must be
 * the file itself.
 * @param path absolute, as on the host: "/etc/passwd"
 * @throws a UserError where a link leads out of the root: nothing of the machine is to be touched then
 */
export function placeOf(host: Host, path: string): string {
  const place = `${host.root}${path}`
  if (!isSymbolicLink(place)) return place
  let real: string
  try {
    real = realpathSync(place)
  } catch (error) {
    throw new UserError(`cannot use ${place}: it is a symbolic link that leads nowhere`, { cause: error })
  }
  if (host.root !== '' && !real.startsWith(`${host.root}/`))
    throw new UserError(`cannot use ${place}: it is a symbolic link to ${real}, outside of --root`, {
      hint: 'put a copy of the file in its place',
    })
  return real
}

/**
 * The path on the host that a daemon means: what already lies below the root is left as it is.
 * @param path "/etc/docker/daemon.json", or with the root in front of it
 */
export function hostPath(host: Host, path: string): string {
  const below = host.root !== '' && path.startsWith(`${host.root}/`)
  const inside = below ? path.slice(host.root.length) : path
  if (!isAbsolute(inside)) throw new UserError(`cannot use ${path}: it is not an absolute path`)
  return inside
}

/** A file of the host as `latin1`, a character a byte; null where there is none. */
export function readHostFile(host: Host, path: string): string | null {
  const place = placeOf(host, path)
  try {
    const stat = statSync(place)
    if (!stat.isFile()) throw new UserError(`cannot read ${place}: it is no regular file`)
    if (stat.size > MAX_FILE_BYTES)
      throw new UserError(`cannot read ${place}: it has ${stat.size} bytes, more than 16 MiB`)
    return readFileSync(place, 'latin1')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    if (!hasCode(error, 'EACCES', 'EPERM', 'ENOTDIR', 'ELOOP', 'EIO')) throw error
    throw new UserError(`cannot read ${place}: ${error.message}`, { hint: 'run it as root', cause: error })
  }
}

function isSymbolicLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true
}
