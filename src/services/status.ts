import type { Container } from '../engine/reader.ts'
import { containersOf, type ServiceContainer } from './containers.ts'
import { serviceNames } from './herd.ts'
import { type Host, instanceOn } from './host.ts'
import type { InstanceKind } from './instance.ts'

/** One container of the herd, as `ps` shows it. */
export interface ContainerStatus {
  readonly name: string
  readonly id: string
  readonly part: string
  readonly state: ServiceContainer['state']
  readonly health: Container['health']
  readonly image: string
  readonly imageId: string
  /** Null where the engine does not have the image any more. */
  readonly imageAgeMs: number | null
  /** What it runs is not what its image's tag names now. */
  readonly drift: boolean
  readonly restarts: number
  readonly startedAt: string
  readonly labels: Readonly<Record<string, string>>
}

export interface ServiceStatus {
  readonly service: string
  readonly instance: InstanceKind
  readonly project: string
  readonly containers: readonly ContainerStatus[]
}

/**
 * Every service, whether it runs or not, with every instance of it.
 * @param names null for all
 */
export async function herdStatus(
  host: Host,
  names: readonly string[] | null,
): Promise<readonly ServiceStatus[]> {
  const [containers, images] = await Promise.all([
    containersOf(host, ({ service }) => names === null || names.includes(service)),
    host.engine.images(),
  ])
  const byTag = new Map(images.flatMap((image) => image.tags.map((tag) => [tag, image] as const)))
  const byId = new Map(images.map((image) => [image.id, image]))
  const inspected = await Promise.all(containers.map(async (one) => [one, await inspect(host, one)] as const))
  const rows = inspected.flatMap(([one, container]) => {
    if (container === null) return []
    // As the container was made from; the list gives an id in its place once the tag has moved on.
    const reference = container.image
    const named = byTag.get(reference) ?? byTag.get(`${reference}:latest`)
    const own = byId.get(container.imageId)
    const status: ContainerStatus = {
      name: one.name,
      id: one.id,
      part: one.part,
      state: container.state,
      health: container.health,
      image: container.image,
      imageId: container.imageId,
      imageAgeMs: own === undefined ? null : Date.now() - Date.parse(own.createdAt),
      drift: named === undefined ? !reference.includes('@') : named.id !== container.imageId,
      restarts: container.restartCount,
      startedAt: container.startedAt,
      labels: one.labels,
    }
    return [[one, status] as const]
  })
  return assemble(names ?? serviceNames(host.herd), rows, host)
}

/** Null when it was removed meanwhile. */
async function inspect(host: Host, { id }: ServiceContainer): Promise<Container | null> {
  try {
    return await host.engine.container(id)
  } catch (error) {
    if (error instanceof Error && 'isMissing' in error && error.isMissing === true) return null
    throw error
  }
}

function assemble(
  names: readonly string[],
  rows: readonly (readonly [ServiceContainer, ContainerStatus])[],
  host: Host,
): readonly ServiceStatus[] {
  const instances = Map.groupBy(rows, ([one]) => one.project)
  const running = [...instances].map(([project, members]): ServiceStatus => {
    const [first] = members[0] ?? []
    return {
      service: first?.service ?? '',
      instance: first?.instance ?? 'prod',
      project,
      containers: members.map(([, status]) => status),
    }
  })
  const production = new Set(
    running.filter(({ instance }) => instance === 'prod').map(({ service }) => service),
  )
  const down = names
    .filter((name) => !production.has(name))
    .map((service): ServiceStatus => ({
      service,
      instance: 'prod',
      project: instanceOn(host, service, 'prod').project,
      containers: [],
    }))
  return [...running, ...down].sort((a, b) => (a.service + a.project < b.service + b.project ? -1 : 1))
}
