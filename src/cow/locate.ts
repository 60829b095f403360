import { existsSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import type { Container } from '../engine/reader.ts'
import { UserError, hasCode } from '../lib/errors.ts'
import { type OverlayLayers, overlayLayers, parseMounts } from '../lib/mount-table.ts'
import type { Layer } from './change.ts'

/**
 * Finds where the layer directory and the baseline of a container lie on the host. A running one: the overlay at `/`
 * of its init's mount table, whatever the engine or its store. A stopped one: what the engine's graph driver says.
 * @param options.proc another `/proc`, for tests
 * @throws UserError where there is none: not on an overlay, no rights, or stopped with the containerd store
 */
export function locateLayer(container: Container, options: { proc?: string } = {}): Layer {
  const proc = options.proc ?? '/proc'
  const layer =
    container.pid > 0 ? (runningLayer(container, proc) ?? stoppedLayer(container)) : stoppedLayer(container)
  if (!isDirectory(layer.upper)) {
    throw new UserError(
      `cannot scan the container ${container.name}: its layer directory ${layer.upper} is not there`,
      { hint: 'is the engine on this host, and are you root?' },
    )
  }
  return layer
}

/** @returns null where the init went away meanwhile */
function runningLayer({ name, pid }: Container, proc: string): Layer | null {
  let text: string
  try {
    text = readFileSync(`${proc}/${pid}/mountinfo`, 'latin1')
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EINVAL')) return null
    if (hasCode(error, 'EACCES', 'EPERM')) {
      throw new UserError(`cannot scan the container ${name}: its mount table may not be read`, {
        hint: 'run it as root',
      })
    }
    throw error
  }
  // The last mount at `/` is the one that processes see.
  const root = parseMounts(text).findLast(({ target }) => target === '/')
  if (root === undefined) return null
  const layers = root.fsType === 'overlay' ? overlayLayers(root.superOptions) : null
  if (layers === null) {
    throw new UserError(
      `cannot scan the container ${name}: its root is a ${root.fsType} without a layer directory`,
      { hint: 'use an overlay storage driver (overlay2, overlayfs) for this engine' },
    )
  }
  return layerOf(layers, `${proc}/${pid}/root`)
}

function stoppedLayer({ name, graphDriver, state }: Container): Layer {
  const upper = graphDriver?.data['UpperDir']
  const lower = graphDriver?.data['LowerDir']
  if (graphDriver !== null && (upper === undefined || lower === undefined)) {
    throw new UserError(
      `cannot scan the container ${name}: the storage driver ${graphDriver.name} has no layer directory`,
      { hint: 'use an overlay storage driver (overlay2, overlayfs) for this engine' },
    )
  }
  if (upper === undefined || lower === undefined) {
    throw new UserError(
      `cannot find the layer directory of the container ${name}: it is ${state}, and the containerd store tells it only of running ones`,
      { hint: `start it first, or read the change list of its engine: docker diff ${name}` },
    )
  }
  return layerOf({ upper, lowers: lower.split(':'), dataLowers: [], usesUserXattrs: false }, null)
}

function layerOf(layers: OverlayLayers, merged: string | null): Layer {
  const upper = canonicalUpper(layers.upper)
  const resolve = (path: string) => (isAbsolute(path) ? path : resolveRelative(upper, path))
  return {
    upper,
    lowers: layers.lowers.map(resolve),
    dataLowers: layers.dataLowers.map(resolve),
    merged,
    xattrPrefix: layers.usesUserXattrs ? 'user.overlay.' : 'trusted.overlay.',
  }
}

function canonicalUpper(upper: string): string {
  if (isAbsolute(upper)) return upper
  throw new UserError(`cannot use the layer directory '${upper}': its mount names it by a relative path`)
}

/**
 * Graph drivers mount with paths relative to their own folder, to stay below the size of a page: Docker's
 * `l/<short id>` to `<data root>/overlay2`, Podman's `overlay/l/<short id>` to its graph root. The layer directory
 * is `<that folder>/<id>/diff`.
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

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
