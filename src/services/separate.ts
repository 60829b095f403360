import { join } from 'node:path'
import type { Instance } from './instance.ts'
import type { Model, ModelMount, ModelPort, ModelService } from './model.ts'

/** A folder or file of the host that an instance gets a copy of in place of the real one. */
export interface Scratch {
  /** What production has, absolute. */
  readonly from: string
  readonly to: string
  /** Whether the copy begins with what is in it, or empty. */
  readonly filled: boolean
}

export interface Separation {
  readonly model: Model
  readonly scratch: readonly Scratch[]
}

/**
 * Takes out of a compose model whatever an instance that is not production would share with production: names,
 * host ports, networks and volumes of fixed names, and folders of the host that it could write to.
 * @param serviceDir the service's source: what it binds from there is always filled
 * @param fillHostFolders whether copies of other folders of the host begin filled
 */
export function separate(
  model: Model,
  instance: Instance,
  serviceDir: string,
  fillHostFolders: boolean,
): Separation {
  if (instance.kind === 'prod') return { model, scratch: [] }
  const scratch = new Map<string, Scratch>()

  function ownMount(mount: ModelMount): ModelMount {
    const { type, source, read_only } = mount
    if (type !== 'bind' || source === undefined || read_only === true) return mount
    if (isBelow(source, instance.dataDir) || source.endsWith('.sock')) return mount
    const to = join(instance.dataDir, 'binds', source.replace(/^\/+/, '').replaceAll('/', '-'))
    scratch.set(source, { from: source, to, filled: isBelow(source, serviceDir) || fillHostFolders })
    return { ...mount, source: to }
  }

  function ownService(service: ModelService): ModelService {
    const { container_name: _, ...rest } = service
    return {
      ...rest,
      ...loopbackPorts(service),
      ...(service.volumes === undefined ? {} : { volumes: service.volumes.map(ownMount) }),
    }
  }

  const services = Object.entries(model.services).map(
    ([name, service]) => [name, ownService(service)] as const,
  )
  return {
    model: {
      ...model,
      services: Object.fromEntries(services),
      ...(model.networks === undefined ? {} : { networks: ownNames(model.networks, instance) }),
      ...(model.volumes === undefined ? {} : { volumes: ownNames(model.volumes, instance) }),
    },
    scratch: [...scratch.values()],
  }
}

/**
 * What is published, and what is exposed to other containers only: both on free ports of 127.0.0.1, so that a developer and a
 * test reach what production keeps to itself.
 */
function loopbackPorts({ ports = [], expose = [], network_mode }: ModelService): {
  ports?: readonly ModelPort[]
} {
  if (network_mode === 'host' || network_mode === 'none') return {}
  const published = ports.map(loopbackPort)
  const exposed = expose
    .map((port) => /^(\d+)(?:\/(\w+))?$/.exec(String(port)))
    .filter((match) => match !== null)
    .map(([, target = '', protocol = 'tcp']) =>
      loopbackPort({ target: Number(target), protocol, mode: 'ingress' }),
    )
    .filter(({ target }) => !published.some((port) => port.target === target))
  const all = [...published, ...exposed]
  return all.length === 0 ? {} : { ports: all }
}

function loopbackPort({ published: _, ...port }: ModelPort): ModelPort {
  return { ...port, host_ip: '127.0.0.1' }
}

/** Networks and volumes of this project alone, whatever names the file gives them. */
function ownNames<T extends { readonly name?: string; readonly external?: boolean }>(
  named: Readonly<Record<string, T | null>>,
  { project }: Instance,
): Record<string, T> {
  return Object.fromEntries(
    Object.entries(named).map(([key, value]) => {
      const { external: _, ...rest } = value ?? ({} as T)
      return [key, { ...rest, name: `${project}_${key}` } as T]
    }),
  )
}

export function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}
