import { UserError } from '../lib/errors.ts'
import type { Service } from './declaration.ts'

/** What of a service says when it starts. */
export interface Ordered {
  readonly name: string
  readonly settings: Pick<Service['settings'], 'needs' | 'wave'>
}

/**
 * The order of the start: all of a wave at once, the next when it is healthy. What a service needs is in an earlier
 * wave than itself, whatever numbers they declare.
 * @param services without circles: see withNeeds
 */
export function waves<S extends Ordered>(services: readonly S[]): readonly (readonly S[])[] {
  const byName = new Map(services.map((service) => [service.name, service]))
  const numbers = new Map<string, number>()
  const numberOf = ({ name, settings }: S): number => {
    const known = numbers.get(name)
    if (known !== undefined) return known
    const needs = settings.needs.map((need) => byName.get(need)).filter((need) => need !== undefined)
    const number = Math.max(settings.wave, ...needs.map((need) => numberOf(need) + 1))
    numbers.set(name, number)
    return number
  }
  const grouped = Map.groupBy(services, numberOf)
  return [...grouped].sort(([a], [b]) => a - b).map(([, wave]) => wave)
}

/** What counts for the order. */
export interface Waved {
  readonly name: string
  readonly settings: { readonly needs: readonly string[] }
}

/** Services that are done one by one, and do not wait for what they need. */
export function oneByOne(names: readonly string[]): readonly (readonly Waved[])[] {
  return names.map((name) => [{ name, settings: { needs: [] } }])
}

/** How one service fared: its result, or why there is none. */
export type Outcome<T> = { readonly service: string } & ({ readonly ok: T } | { readonly error: UserError })

/** As many at a time: each is a docker compose of its own, of 50 MB. */
const AT_ONCE = 8

/**
 * Does something to every service, wave by wave. What needs a service that failed is left out, and says so; the others go on:
 * after a reboot one that is broken holds up no other.
 */
export async function inWaves<S extends Waved, T>(
  order: readonly (readonly S[])[],
  each: (service: S) => Promise<T>,
): Promise<readonly Outcome<T>[]> {
  const outcomes = new Map<string, Outcome<T>>()
  for (const wave of order) {
    const results: Outcome<T>[] = []
    const waiting = wave.entries()
    const work = async () => {
      for (const [index, service] of waiting) results[index] = await attempt(service, outcomes, each)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    for (const outcome of results) outcomes.set(outcome.service, outcome)
  }
  return [...outcomes.values()]
}

async function attempt<S extends Waved, T>(
  service: S,
  earlier: ReadonlyMap<string, Outcome<T>>,
  each: (service: S) => Promise<T>,
): Promise<Outcome<T>> {
  const failed = service.settings.needs.find((need) => 'error' in (earlier.get(need) ?? {}))
  if (failed !== undefined) {
    const error = new UserError(`cannot start '${service.name}': '${failed}', which it needs, did not start`)
    return { service: service.name, error }
  }
  try {
    return { service: service.name, ok: await each(service) }
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return { service: service.name, error }
  }
}
