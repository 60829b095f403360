import type { Service } from './declaration.ts'
import { type Default, enclose } from './enclose.ts'
import { type Host, instanceOn } from './host.ts'
import type { Instance } from './instance.ts'
import { type Model, resolveModel } from './model.ts'
import { type Opening, openings } from './openings.ts'
import { joinNeeds } from './networks.ts'
import { findImage, tagOwnImages } from './own-images.ts'
import { replicate, replicasOf } from './replicas.ts'
import { type Scratch, separate } from './separate.ts'

/** An instance as it is to run: decided, nothing done yet. */
export interface Prepared {
  readonly service: Service
  readonly instance: Instance
  /** The whole compose file, as compose gets it. */
  readonly model: Model
  /** What Paddock added. */
  readonly defaults: readonly Default[]
  /** What the compose file opens wider. */
  readonly openings: readonly Opening[]
  readonly scratch: readonly Scratch[]
}

export interface PrepareOptions {
  /** A test's run: its needs are of the same run. */
  readonly run?: string
  /** It may write where it will, so that what it would write can be learnt; unless the compose file itself says otherwise. */
  readonly learns?: boolean
}

/** Decides how an instance runs. */
export async function prepare(
  host: Host,
  service: Service,
  instance: Instance,
  { run, learns = false }: PrepareOptions = {},
): Promise<Prepared> {
  const declared = tagOwnImages(await resolveModel(host.docker, service, instance), host.herd, instance)
  const { model: separated, scratch } = separate(
    declared,
    instance,
    service.dir,
    service.settings.test.data === 'copy',
  )
  const needs = service.settings.needs.map((name) => instanceOn(host, name, instance.kind, run))
  const joined = replicate(joinNeeds(separated, needs), service, replicasOf(host, service, instance))
  const users = await imageUsers(host, joined)
  const { model, defaults } = enclose(joined, instance, host.herd.dir, (name) => ({
    declaredWritable: service.writable.has(name),
    expectsChanges: learns || (service.policy?.declaration.expect.length ?? 0) > 0,
    imageUser: users.get(name) ?? null,
  }))
  return { service, instance, model, defaults, openings: openings(model, service.writable), scratch }
}

/** The user each image names; without those that the engine does not have. */
async function imageUsers(host: Host, model: Model): Promise<ReadonlyMap<string, string>> {
  const asked = Object.entries(model.services).map(async ([name, { image, user }]) => {
    if (image === undefined || user !== undefined) return null
    const found = await findImage(host, image)
    return found === null ? null : ([name, found.user] as const)
  })
  return new Map((await Promise.all(asked)).filter((pair) => pair !== null))
}
