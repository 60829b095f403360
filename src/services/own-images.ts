import type { Image } from '../engine/reader.ts'
import { UserError } from '../lib/errors.ts'
import type { Herd } from './herd.ts'
import type { Host } from './host.ts'
import type { Instance } from './instance.ts'
import type { Model } from './model.ts'

/**
 * Gives every image that the service builds itself the tag of the instance, whatever the compose file says: `:live` is
 * what production runs, `:latest` what was built last.
 */
export function tagOwnImages(
  model: Model,
  herd: Herd,
  { service, tag }: Pick<Instance, 'service' | 'tag'>,
): Model {
  const services = Object.entries(model.services).map(([name, one]) => {
    if (one.build === undefined) return [name, one] as const
    const image = one.image ?? `${herd.id}/${service}${name === service ? '' : `-${name}`}`
    return [name, { ...one, image: `${repository(image)}:${tag}` }] as const
  })
  return { ...model, services: Object.fromEntries(services) }
}

/** Repositories of the images that the service builds itself: "herd/web". */
export function ownImages(model: Model): readonly string[] {
  const built = Object.values(model.services).filter(({ build }) => build !== undefined)
  return [...new Set(built.map(({ image = '' }) => repository(image)))]
}

/** "herd/web:live" without its tag or digest. */
export function repository(reference: string): string {
  return reference.replace(/@.*$/, '').replace(/:[^/:]*$/, '')
}

/** @returns null where the engine has no such image */
export async function findImage(host: Pick<Host, 'engine'>, reference: string): Promise<Image | null> {
  try {
    return await host.engine.image(reference)
  } catch (error) {
    if (error instanceof UserError && error.message.startsWith('there is no image')) return null
    throw error
  }
}

/** Ids of a service's own images under a tag; an image that is missing is left out. */
export async function imageIds(
  host: Pick<Host, 'engine'>,
  repositories: readonly string[],
  tag: string,
): Promise<Readonly<Record<string, string>>> {
  const found = await Promise.all(repositories.map((name) => findImage(host, `${name}:${tag}`)))
  return Object.fromEntries(
    repositories.flatMap((name, index) => (found[index] ? [[name, found[index].id]] : [])),
  )
}
