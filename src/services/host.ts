import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../lib/errors.ts'
import { openEngine } from '../engine/client.ts'
import { findEngine } from '../engine/connect.ts'
import { lateEngine } from '../engine/late.ts'
import type { EngineReader } from '../engine/reader.ts'
import { type Docker, dockerFor } from './docker.ts'
import { type Herd, herdPath, openHerd, serviceNames } from './herd.ts'
import { type Instance, type InstanceKind, instanceOf, serviceStateDir } from './instance.ts'
import { type Service, readService } from './declaration.ts'

/** One engine, one herd, and where Paddock keeps what it knows of them: what every command of services works on. */
export interface Host {
  readonly engine: EngineReader
  readonly docker: Docker
  readonly herd: Herd
  readonly stateDir: string
  /** Where `up` writes policies for the sensor. */
  readonly policyDir: string
  /** What tells this run of Paddock from every other; whatever it starts carries it. */
  readonly run: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  readonly tell: Tell
}

/** What happens to a service, as it happens: "starting", "healthy". */
export type Tell = (service: string, what: string) => void

export interface HostChoice {
  readonly engine?: string | undefined
  readonly herd?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
  readonly tell: Tell
}

export async function openHost(choice: HostChoice): Promise<Host> {
  const { host, answers } = openHostAhead(choice)
  await answers()
  return host
}

/**
 * The same for who has something to do until the engine has said what it is: it is asked when it is first needed.
 * @returns also `answers`, which asks it, and rejects with a `UserError` where it does not answer or is too old
 */
export function openHostAhead({ engine, herd, env, signal, tell }: HostChoice): {
  readonly host: Host
  readonly answers: () => Promise<unknown>
} {
  const opened = openHerd(herdPath(herd, env))
  const socket = findEngine({ engine, env }, existsSync)
  let opening: ReturnType<typeof openEngine> | null = null
  const answers = () => (opening ??= openEngine(socket))
  const reader = lateEngine(socket, answers)
  const run = randomUUID()
  const host = {
    engine: reader,
    docker: dockerFor(reader.address, env, signal, run),
    herd: opened,
    stateDir: stateDirOf(env),
    policyDir: join(env['PADDOCK_CONFIG_DIR'] ?? '/etc/paddock', 'policy.d'),
    run,
    env,
    signal,
    tell,
  }
  return { host, answers }
}

export function stateDirOf(env: Readonly<Record<string, string | undefined>>): string {
  return env['PADDOCK_STATE_DIR'] ?? '/var/lib/paddock'
}

export function serviceOf(host: Host, name: string): Service {
  return readService(host.herd, name)
}

export function instanceOn(host: Host, service: string, kind: InstanceKind, run?: string): Instance {
  return instanceOf(host.herd, service, kind, host.stateDir, run)
}

/** The folder of what is remembered of a service. */
export function stateOf(host: Host, service: string): string {
  return serviceStateDir(host.herd, service, host.stateDir)
}

/** A service, and all that it needs, directly or not; what is needed comes first. */
export function withNeeds(host: Host, names: readonly string[]): readonly Service[] {
  const known = new Set(serviceNames(host.herd))
  const found = new Map<string, Service>()
  const add = (name: string, path: readonly string[]): void => {
    if (found.has(name)) return
    const service = serviceOf(host, name)
    for (const need of service.settings.needs) refuseNeed(service, need, known, [...path, name])
    for (const need of service.settings.needs) add(need, [...path, name])
    found.set(name, service)
  }
  for (const name of names) add(name, [])
  return [...found.values()]
}

function refuseNeed(
  service: Service,
  need: string,
  known: ReadonlySet<string>,
  path: readonly string[],
): void {
  if (!known.has(need)) {
    throw new UserError(
      `cannot use ${service.composePath}: it needs '${need}', and the herd has no such service`,
      {
        hint: `there are ${[...known].join(', ')}`,
      },
    )
  }
  if (path.includes(need)) {
    throw new UserError(
      `cannot use ${service.composePath}: services need each other in a circle: ${[...path, need].join(' → ')}`,
      {
        hint: 'take one of them out of needs',
      },
    )
  }
}
