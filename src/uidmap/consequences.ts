import { statfsSync } from 'node:fs'
import type { Container, ImageSummary } from '../engine/reader.ts'
import { UserError } from '../lib/errors.ts'
import { checkTenant } from './check.ts'
import { type IdMaps, toHost } from './id-map.ts'
import type { ContainerCheck } from './mount-json.ts'
import type { Tenant } from './tenant.ts'
import { tenantOf, type TenantSources } from './tenants.ts'

/** What follows when the engine starts with the planned map. */
export interface Consequences {
  /** Where the engine will keep everything from then on; what lies in its data root now is hidden, not gone. */
  readonly newDataRoot: string
  readonly hiddenImages: readonly ImageSummary[]
  readonly hiddenContainers: readonly Container[]
  readonly hiddenVolumes: readonly {
    readonly container: string
    readonly source: string
    readonly target: string
  }[]
  readonly cannotStart: readonly { readonly container: string; readonly why: string; readonly mend: string }[]
  /** Bind mounts that containers will be denied. */
  readonly denied: readonly ContainerCheck[]
  readonly unknown: readonly { readonly container: string; readonly why: string }[]
  /** At most: layers that images share are counted for each. */
  readonly imageBytes: number
  /** On the file system of the data root. */
  readonly freeBytes: number
}

/** @param maps the planned ones */
export async function consequencesOf(
  maps: IdMaps,
  containers: readonly Container[],
  images: readonly ImageSummary[],
  sources: TenantSources,
): Promise<Consequences> {
  const { dataRoot } = sources.info
  const denied: ContainerCheck[] = []
  const cannotStart: Consequences['cannotStart'][number][] = containers.flatMap(refusals)
  const unknown: Consequences['unknown'][number][] = []
  for (const container of containers.filter(({ hostConfig }) => hostConfig.usernsMode !== 'host')) {
    const tenant = await tenantOrWhy(container, sources)
    if (typeof tenant === 'string') {
      unknown.push({ container: container.name, why: tenant })
      continue
    }
    cannotStart.push(...outsideOfMap(tenant, maps))
    const binds = { ...tenant, maps, mounts: tenant.mounts.filter(({ type }) => type === 'bind') }
    const mounts = checkTenant(binds)
    if (mounts.some(({ problems }) => problems.length > 0))
      denied.push({ container, running: tenant.running, maps, mounts })
  }
  return {
    newDataRoot: `${dataRoot}/${toHost(maps.uids, 0) ?? 0}.${toHost(maps.gids, 0) ?? 0}`,
    hiddenImages: images,
    hiddenContainers: containers,
    hiddenVolumes: containers.flatMap(({ name, mounts }) =>
      mounts
        .filter(({ type }) => type === 'volume')
        .map(({ source, target }) => ({ container: name, source, target })),
    ),
    cannotStart,
    denied,
    unknown,
    imageBytes: images.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    freeBytes: freeBytesAt(dataRoot),
  }
}

async function tenantOrWhy(container: Container, sources: TenantSources): Promise<Tenant | string> {
  try {
    return await tenantOf(container, sources)
  } catch (error) {
    if (error instanceof UserError) return error.message
    throw error
  }
}

/** What Docker refuses to a container of a remapped engine (moby, `verifyPlatformContainerSettings`). */
const refused: readonly (readonly [what: string, has: (one: Container['hostConfig']) => boolean])[] = [
  ['it is privileged', ({ privileged }) => privileged],
  ["it uses the host's network", ({ networkMode }) => networkMode === 'host'],
  ["it uses the host's process ids", ({ pidMode }) => pidMode === 'host'],
]

function refusals({ name, hostConfig }: Container): Consequences['cannotStart'] {
  if (hostConfig.usernsMode === 'host') return []
  return refused
    .filter(([, has]) => has(hostConfig))
    .map(([why]) => ({ container: name, why, mend: 'run it without that, or with --userns=host' }))
}

function outsideOfMap({ name, people: [main] }: Tenant, { uids, gids }: IdMaps): Consequences['cannotStart'] {
  const lost =
    toHost(uids, main.uid) === null
      ? `uid ${main.uid}`
      : toHost(gids, main.gid) === null
        ? `gid ${main.gid}`
        : null
  if (lost === null) return []
  const why = `it runs as ${lost}, which lies outside of the mapped range`
  return [{ container: name, why, mend: 'choose a larger --size, or another user for it' }]
}

/** 0 where the folder is not this machine's. */
function freeBytesAt(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder)
    return bavail * bsize
  } catch {
    return 0
  }
}
