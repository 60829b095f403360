import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { UserError } from '../lib/errors.ts'
import { type Host, serviceOf } from './host.ts'
import { SERVICE_NAME, serviceNames } from './herd.ts'
import type { Instance } from './instance.ts'
import { containersOf, type ServiceContainer } from './containers.ts'
import { removePolicy, servicesWithPolicy } from './policy-file.ts'
import { refusal } from './refusal.ts'
import { usualSettings } from './settings.ts'
import type { Ordered } from './waves.ts'

const NETWORK_TRIES = 20
const NETWORK_PAUSE_MS = 500

/** Stops and removes an instance's containers and networks. Its data stays, except a test's. */
export async function stop(host: Host, instance: Instance): Promise<void> {
  host.tell(instance.service, 'stopping')
  const file = existsSync(instance.modelPath) ? ['-f', instance.modelPath] : []
  const isTest = instance.kind === 'test'
  const words = [
    'compose',
    '-p',
    instance.project,
    ...file,
    'down',
    '--remove-orphans',
    ...(isTest ? ['--volumes', '--timeout', '1'] : []),
  ]
  let ran = await host.docker.run(words)
  for (let again = 0; again < NETWORK_TRIES && /has active endpoints/.test(ran.stderr); again++) {
    // Who needs this one and stops beside it, its declaration lost, is still in its network.
    await sleep(NETWORK_PAUSE_MS)
    ran = await host.docker.run(words)
  }
  if (ran.code !== 0) throw await refusal(host.docker, ran, `stop '${instance.service}'`)
  removePolicy(host, instance)
  host.tell(instance.service, 'down')
}

/** Services whose folder is gone, and of which a container or a policy is still there. */
export async function goneServices(host: Host): Promise<readonly string[]> {
  const containers = await containersOf(host, () => true)
  const names = [...containers.map(({ service }) => service), ...servicesWithPolicy(host)]
  const present = serviceNames(host.herd)
  return [...new Set(names)].filter((name) => SERVICE_NAME.test(name) && !present.includes(name))
}

/** What of a service counts for the order; the usual where its folder is gone or its declaration broken: it can still stop. */
export function orderOf(host: Host, name: string): Ordered {
  try {
    return serviceOf(host, name)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return { name, settings: usualSettings }
  }
}

/**
 * @param going the services that stop together
 * @throws UserError where a running service that stays needs one of them
 */
export async function refuseWhileNeeded(
  host: Host,
  going: readonly string[],
  kind: Instance['kind'],
): Promise<void> {
  const running = await containersOf(host, (one) => one.instance === kind && one.state === 'running')
  const staying = new Set(
    running.map(({ service }: ServiceContainer) => service).filter((name) => !going.includes(name)),
  )
  const present = serviceNames(host.herd).filter((name) => staying.has(name))
  for (const name of present) {
    const needed = orderOf(host, name).settings.needs.find((need) => going.includes(need))
    if (needed === undefined) continue
    throw new UserError(`cannot stop '${needed}': '${name}' is running and needs it`, {
      hint: `stop both: paddock down ${needed} ${name}`,
    })
  }
}
