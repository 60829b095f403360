import { delimiter, dirname } from 'node:path'
import { anyContainers } from './logs.ts'
import type { Service } from './declaration.ts'
import type { Host } from './host.ts'
import type { Instance } from './instance.ts'
import { UserError } from '../lib/errors.ts'

type Bindings = Readonly<Record<string, readonly { HostIp?: string; HostPort?: string }[] | null>>

/** What a service's test finds in its environment: where the instance is and how it is reached. */
export async function testEnvironment(
  host: Host,
  service: Service,
  instance: Instance,
): Promise<Readonly<Record<string, string | undefined>>> {
  const containers = await anyContainers(host, instance)
  const main = containers.find(({ part }) => part === service.name) ?? containers[0]
  // The main one's ports last, so that they count where two have the same.
  const inOrder = [...containers.filter((one) => one !== main), ...(main === undefined ? [] : [main])]
  const ports: Record<string, string> = {}
  for (const { id } of inOrder) Object.assign(ports, portVariables(await bindings(host, id)))
  return {
    ...host.env,
    // A test that is written for Node runs on Paddock's own.
    PATH: [dirname(process.execPath), host.env['PATH'] ?? '/usr/bin:/bin'].join(delimiter),
    DOCKER_HOST: host.docker.address,
    PADDOCK_CONTAINER: main?.name ?? '',
    PADDOCK_INSTANCE: instance.kind,
    PADDOCK_PROJECT: instance.project,
    PADDOCK_TAG: instance.tag,
    PADDOCK_DATA: instance.dataDir,
    PADDOCK_ADDR: '127.0.0.1',
    ...ports,
  }
}

async function bindings(host: Host, id: string): Promise<Bindings> {
  const { code, stdout } = await host.docker.run([
    'inspect',
    '--format',
    '{{json .NetworkSettings.Ports}}',
    id,
  ])
  if (code !== 0) throw new UserError('cannot learn the ports of the test instance: its container is gone')
  return (JSON.parse(stdout) ?? {}) as Bindings
}

/** "8080/tcp" bound to 49153 is PADDOCK_PORT_8080=49153. */
function portVariables(bound: Bindings): Record<string, string> {
  return Object.fromEntries(
    Object.entries(bound).flatMap(([port, hosts]) => {
      const hostPort = hosts?.find(({ HostPort }) => HostPort !== undefined && HostPort !== '')?.HostPort
      return hostPort === undefined ? [] : [[`PADDOCK_PORT_${port.split('/')[0] ?? ''}`, hostPort]]
    }),
  )
}
