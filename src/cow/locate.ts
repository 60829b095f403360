import { readFileSync } from 'node:fs'
import type { Container, EngineReader } from '../engine/reader.ts'
import { hasCode, UserError } from '../lib/errors.ts'
import { overlayLayers, parseMounts } from '../lib/mount-table.ts'
import type { Layer } from './change.ts'
import { engineMadePaths } from './engine-made.ts'
import { identityOf, type LayerPlace, placeOf } from './layer-place.ts'
import { rememberedPlace, rememberPlace } from './remembered-places.ts'

export interface LocateOptions {
  /** Another `/proc`, for tests. */
  readonly proc?: string
  /** Where to remember what only a running container tells (PADDOCK_STATE_DIR); nothing is remembered without. */
  readonly stateDir?: string
}

/**
 * Finds where the layer directory and the baseline of a container lie on the host. A running one: the overlay at `/`
 * of its init's mount table, whatever the engine or its store. A stopped one: what the engine's graph driver says,
 * or what was remembered while it ran. Where both speak the engine is believed: a container that may mount can
 * cover its own root, and must not lead a scan astray.
 * @throws UserError where there is none: not on an overlay, no rights, or stopped and never seen running
 */
export function locateLayer(container: Container, options: LocateOptions = {}): Layer {
  const { proc = '/proc', stateDir } = options
  const told = toldPlace(container)
  const remembered = stateDir === undefined ? null : rememberedPlace(stateDir, container.id)
  const known = told ?? remembered
  const init = container.pid > 0 ? readInit(container, proc) : null
  const shown = init === null ? null : shownPlace(container, init, known)
  const place = shown ?? (known === null ? null : { ...known, merged: null })
  if (place === null) throw notFound(container, init)
  if (identityOf(place.upper) === null) {
    throw new UserError(
      `cannot read the container ${container.name}: its layer directory ${place.upper} is not there`,
      { hint: "run it on the engine's own host, as root" },
    )
  }
  if (stateDir !== undefined && shown !== null && told === null && remembered === null) {
    rememberPlace(stateDir, container.id, shown)
  }
  return { ...place, engineMade: engineMadePaths(container) }
}

const TRIES = 3

/**
 * The same for a container that may stop or start between the engine's answer and the look at its process: then the
 * engine is asked again.
 * @returns also what the engine said last
 * @throws UserError as `locateLayer` does, and with `isMissing` where the container is no more
 */
export async function locateContainer(
  engine: Pick<EngineReader, 'container'>,
  container: Container,
  options: LocateOptions = {},
): Promise<{ readonly container: Container; readonly layer: Layer }> {
  for (let tries = 1, asked = container; ; tries++) {
    try {
      return { container: asked, layer: locateLayer(asked, options) }
    } catch (error) {
      if (!(error instanceof UserError) || tries === TRIES) throw error
      const before = asked
      asked = await engine.container(container.id)
      if (asked.pid === before.pid && asked.startedAt === before.startedAt) throw error
    }
  }
}

/** What the graph driver says: overlay2 and Podman, of stopped containers too; never the containerd store. */
function toldPlace({ graphDriver }: Container): LayerPlace | null {
  const upper = graphDriver?.data['UpperDir']
  const lower = graphDriver?.data['LowerDir']
  if (upper === undefined || lower === undefined) return null
  return placeOf({ upper, lowers: lower.split(':'), dataLowers: [], usesUserXattrs: false })
}

/** What the kernel tells of a container's init. */
interface Init {
  readonly mountinfo: string
  readonly cgroup: string
}

/** @returns null where it is gone, or the number is another process's by now */
function readInit({ name, pid }: Container, proc: string): Init | null {
  try {
    const before = startTime(`${proc}/${pid}/stat`)
    const mountinfo = readFileSync(`${proc}/${pid}/mountinfo`, 'latin1')
    const cgroup = readFileSync(`${proc}/${pid}/cgroup`, 'latin1')
    return startTime(`${proc}/${pid}/stat`) === before ? { mountinfo, cgroup } : null
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EINVAL')) return null
    if (!hasCode(error, 'EACCES', 'EPERM')) throw error
    throw new UserError(`cannot read the container ${name}: its mount table may not be read`, {
      hint: 'run it as root',
      cause: error,
    })
  }
}

/** Field 22 of `/proc/<pid>/stat`; the command before it, in parentheses, may hold anything. */
function startTime(path: string): string | undefined {
  const text = readFileSync(path, 'latin1')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19]
}

/**
 * The overlay at `/` of the container's own mount table.
 * @returns null where there is none, or it is not this container's
 */
function shownPlace(
  container: Container,
  { mountinfo, cgroup }: Init,
  known: LayerPlace | null,
): (LayerPlace & { merged: string | null }) | null {
  const roots = parseMounts(mountinfo).filter(({ target }) => target === '/')
  const places = roots.map(({ fsType, superOptions }) => {
    const layers = fsType === 'overlay' ? overlayLayers(superOptions) : null
    const upper = layers === null ? null : absoluteUpper(layers.upper, known)
    return layers === null || upper === null ? null : placeOf({ ...layers, upper })
  })
  const isKnown = (place: LayerPlace | null) => place !== null && place.upper === known?.upper
  // The first is the one that the engine mounted; later ones cover it.
  const index = known === null ? places.findIndex((place) => place !== null) : places.findIndex(isKnown)
  const place = places[index]
  if (place === null || place === undefined) return null
  // What neither the engine nor the control group ties to this container is another's: the process number was reused.
  if (known === null && !cgroup.includes(container.id)) return null
  const isOnTop = index === roots.length - 1
  return { ...place, merged: isOnTop ? `/proc/${container.pid}/root` : null }
}

/** With very many layers a graph driver mounts with every path relative to its own folder, this one too. */
function absoluteUpper(upper: string, known: LayerPlace | null): string | null {
  if (upper.startsWith('/')) return upper
  return known?.upper.endsWith(`/${upper}`) === true ? known.upper : null
}

function notFound({ name, pid, state, graphDriver }: Container, init: Init | null): UserError {
  const hint = 'use an overlay storage driver (overlay2, overlayfs) for this engine'
  if (graphDriver !== null) {
    return new UserError(
      `cannot read the container ${name}: the storage driver ${graphDriver.name} has no layer directory`,
      { hint },
    )
  }
  if (init === null) {
    return new UserError(
      `cannot find the layer directory of the container ${name}: it is ${state}, and its engine tells where that lies only while it runs`,
      { hint: `scan it once while it runs, then it is remembered, or see: docker diff ${name}` },
    )
  }
  const root = parseMounts(init.mountinfo).find(({ target }) => target === '/')
  if (root?.fsType === 'overlay' && overlayLayers(root.superOptions) !== null) {
    return new UserError(`cannot read the container ${name}: its process ${pid} is another's by now`, {
      hint: 'it stopped or was started again meanwhile: try again',
    })
  }
  return new UserError(
    `cannot read the container ${name}: its root lies on ${root?.fsType ?? 'no file system'}, which has no layer directory`,
    { hint },
  )
}
