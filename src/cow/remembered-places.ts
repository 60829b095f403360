import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hasCode } from '../lib/errors.ts'
import { identityOf, type LayerPlace } from './layer-place.ts'

/*
 * With the containerd store an engine tells only of running containers where their layer directory lies. It never
 * changes while a container exists, so it is written down when it is first seen: `<state>/layers/<id>.json`.
 */

interface Remembered extends LayerPlace {
  readonly version: 1
  /** Of `upper`: another directory at the same path is not the container's. */
  readonly identity: string
}

/** @returns null where nothing is known, or the directory is another by now */
export function rememberedPlace(stateDir: string, containerId: string): LayerPlace | null {
  const remembered = read(fileOf(stateDir, containerId))
  if (remembered === null || identityOf(remembered.upper) !== remembered.identity) return null
  const { upper, lowers, dataLowers, xattrPrefix } = remembered
  return { upper, lowers, dataLowers, xattrPrefix }
}

/** A state folder that cannot be written is no reason not to scan: the container is then unknown once it stopped. */
export function rememberPlace(stateDir: string, containerId: string, place: LayerPlace): void {
  const { upper, lowers, dataLowers, xattrPrefix } = place
  const identity = identityOf(upper)
  if (identity === null) return
  const remembered: Remembered = { version: 1, identity, upper, lowers, dataLowers, xattrPrefix }
  const file = fileOf(stateDir, containerId)
  try {
    mkdirSync(join(stateDir, 'layers'), { recursive: true, mode: 0o700 })
    forgetRemoved(stateDir)
    writeFileSync(`${file}.new`, `${JSON.stringify(remembered)}\n`, { mode: 0o600 })
    renameSync(`${file}.new`, file)
  } catch (error) {
    if (!hasCode(error, 'EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'ENOTDIR', 'ENOENT')) throw error
  }
}

/** What was remembered of containers that are no more. */
function forgetRemoved(stateDir: string): void {
  const folder = join(stateDir, 'layers')
  for (const name of readdirSync(folder)) {
    const remembered = read(join(folder, name))
    if (remembered === null || identityOf(remembered.upper) !== remembered.identity)
      rmSync(join(folder, name), { force: true })
  }
}

function fileOf(stateDir: string, containerId: string): string {
  return join(stateDir, 'layers', `${containerId}.json`)
}

function read(file: string): Remembered | null {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
    return isRemembered(value) ? value : null
  } catch (error) {
    if (error instanceof SyntaxError || hasCode(error, 'ENOENT', 'EACCES', 'ENOTDIR', 'EISDIR')) return null
    throw error
  }
}

function isRemembered(value: unknown): value is Remembered {
  if (typeof value !== 'object' || value === null) return false
  const { version, identity, upper, lowers, dataLowers, xattrPrefix } = value as Record<string, unknown>
  const isPaths = (list: unknown) => Array.isArray(list) && list.every((path) => typeof path === 'string')
  return (
    version === 1 &&
    typeof identity === 'string' &&
    typeof upper === 'string' &&
    isPaths(lowers) &&
    isPaths(dataLowers) &&
    (xattrPrefix === 'trusted.overlay.' || xattrPrefix === 'user.overlay.')
  )
}
