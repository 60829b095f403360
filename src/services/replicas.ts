import { join } from 'node:path'
import { UserError } from '../lib/errors.ts'
import type { Service } from './declaration.ts'
import { type Host, stateOf } from './host.ts'
import type { Instance } from './instance.ts'
import type { Model, ModelPort } from './model.ts'
import { readRecord } from './record.ts'

/** How many replicas of each kind of instance were asked for. */
export type Replicas = Readonly<Record<string, number>>

export function isReplicas(value: unknown): value is Replicas {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((count) => Number.isInteger(count))
  )
}

export function replicasPath(host: Host, service: string): string {
  return join(stateOf(host, service), 'replicas.json')
}

/** @returns null where nobody scaled it: then the compose file says */
export function replicasOf(host: Host, service: Service, { kind }: Instance): number | null {
  if (kind === 'test') return null
  return readRecord(replicasPath(host, service.name), isReplicas)?.[kind] ?? null
}

/** The compose service that `scale` multiplies. */
export function scaledService(model: Model, service: Service): string {
  const names = Object.keys(model.services)
  const { scale } = service.settings
  if (scale !== null && !names.includes(scale)) {
    throw new UserError(`cannot use ${service.composePath}: 'scale: ${scale}' names no service of it`, {
      hint: `there are ${names.join(', ')}`,
    })
  }
  const name =
    scale ?? (names.includes(service.name) ? service.name : names.length === 1 ? names[0] : undefined)
  if (name !== undefined) return name
  throw new UserError(`cannot scale '${service.name}': it has ${names.join(', ')}, and none is named as it`, {
    hint: "say which under x-paddock, 'scale: NAME'",
  })
}

/** @throws UserError where a port can be bound only once */
export function replicate(model: Model, service: Service, count: number | null): Model {
  if (count === null) return model
  const name = scaledService(model, service)
  const one = model.services[name]
  const narrow = (one?.ports ?? []).find((port) => portsOf(port) < count)
  if (narrow !== undefined && count > 1) {
    const declared = narrow.published ?? ''
    throw new UserError(
      `cannot scale '${service.name}' to ${count}: its port ${declared} is bound once and ${count} replicas want one each`,
      {
        hint: `declare a range, '${declared}-${Number(declared.split('-')[0]) + count - 1}:${narrow.target}', or put a proxy before it`,
      },
    )
  }
  if (one?.container_name !== undefined && count > 1) {
    throw new UserError(`cannot scale '${service.name}' to ${count}: its container_name can be given once`, {
      hint: 'leave out container_name',
    })
  }
  return { ...model, services: { ...model.services, [name]: { ...one, scale: count } } }
}

/** How many host ports a declaration offers. */
function portsOf({ published }: ModelPort): number {
  if (published === undefined || published === '' || published === '0') return Infinity
  const [first = 0, last = first] = published.split('-').map(Number)
  return last - first + 1
}
