import type { ContainerSummary } from '../engine/reader.ts'
import { type Host, instanceOn } from './host.ts'
import { type Instance, type InstanceKind, label } from './instance.ts'

/** A container of this herd. */
export interface ServiceContainer extends ContainerSummary {
  readonly service: string
  readonly instance: InstanceKind
  readonly project: string
  /** The compose service within the service's compose file. */
  readonly part: string
}

const KINDS: readonly string[] = ['prod', 'dev', 'test'] satisfies InstanceKind[]

/** Containers that Paddock started for services of this herd, running or not, in the order of their names. */
export async function containersOf(
  { engine, herd }: Pick<Host, 'engine' | 'herd'>,
  wanted: (container: ServiceContainer) => boolean,
): Promise<readonly ServiceContainer[]> {
  const own: ServiceContainer[] = []
  for (const container of await engine.containers({ all: true })) {
    const { labels } = container
    const instance = labels[label.instance] ?? ''
    if (labels[label.herd] !== herd.dir || !KINDS.includes(instance)) continue
    own.push({
      ...container,
      service: labels[label.service] ?? '',
      instance: instance as InstanceKind,
      project: labels['com.docker.compose.project'] ?? '',
      part: labels['com.docker.compose.service'] ?? '',
    })
  }
  return own.filter(wanted).sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Compose names a container that replaces another "<12 digits of the other's id>_<name>" until the other is gone. */
export function lastingName(name: string): string {
  return name.replace(/^[0-9a-f]{12}_/, '')
}

export function ofInstance({ project }: Instance): (container: ServiceContainer) => boolean {
  return (container) => container.project === project
}

/** Whether a container of a service's production runs. */
export async function isProductionUp(host: Host, service: string): Promise<boolean> {
  const isOurs = ofInstance(instanceOn(host, service, 'prod'))
  const running = await containersOf(host, (one) => isOurs(one) && one.state === 'running')
  return running.length > 0
}
