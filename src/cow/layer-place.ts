import { existsSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import { hasCode } from '../lib/errors.ts'
import type { OverlayLayers } from '../lib/mount-table.ts'
import type { Layer } from './change.ts'

/** Where the directories of a layer lie, whether its container runs or not. */
export type LayerPlace = Omit<Layer, 'merged' | 'engineMade'>

/** @param layers with an absolute `upper` */
export function placeOf(layers: OverlayLayers): LayerPlace {
  const upper = realPath(layers.upper)
  const resolve = (path: string) => (isAbsolute(path) ? path : resolveRelative(upper, path))
  return {
    upper,
    lowers: layers.lowers.map(resolve),
    dataLowers: layers.dataLowers.map(resolve),
    xattrPrefix: layers.usesUserXattrs ? 'user.overlay.' : 'trusted.overlay.',
  }
}

/** So that two ways to name one directory compare equal. */
function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES', 'ENOTDIR')) return path
    throw error
  }
}

/**
 * Graph drivers mount with paths relative to their own folder, to stay below the size of a page: Docker's `l/<short name>`
 * to `<data root>/overlay2`, Podman's `overlay/l/<short name>` to its graph root. The layer directory is `<that folder>/<id>/diff`.
 */
function resolveRelative(upper: string, path: string): string {
  const driver = dirname(dirname(upper))
  const base = [driver, dirname(driver)].find((folder) => existsSync(join(folder, path)))
  const full = join(base ?? driver, path)
  try {
    return join(dirname(full), readlinkSync(full))
  } catch (error) {
    if (hasCode(error, 'EINVAL', 'ENOENT')) return full
    throw error
  }
}

/** Which directory it is: "device:inode:birth"; null where there is none. */
export function identityOf(path: string): string | null {
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true })
  return stat?.isDirectory() === true ? `${stat.dev}:${stat.ino}:${stat.birthtimeNs}` : null
}
