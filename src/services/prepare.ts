import type { Service } from './declaration.ts'
import { type Default, enclose } from './enclose.ts'
import { type Host, instanceOn } from './host.ts'
import type { Instance } from './instance.ts'
import { type Model, type ModelService, resolveModel } from './model.ts'
import { type Opening, openings } from './openings.ts'
import { joinNeeds } from './networks.ts'
import type { Image } from '../engine/reader.ts'
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
  /** Of the model's services those whose image the engine does not have. */
  readonly missing: readonly ModelService[]
}

export interface PrepareOptions {
  /** A test's run: its needs are of the same run. */
  readonly run?: string
  /** It may write where it will, so that what it would write can be learnt; unless the compose file itself says otherwise. */
  readonly learns?: boolean
  /** What compose reads of the declaration, where it was asked ahead. */
  readonly declared?: Promise<Model>
}

/** Decides how an instance runs. */
export async function prepare(
  host: Host,
  service: Service,
  instance: Instance,
  { run, learns = false, declared = resolveModel(host.docker, service, instance) }: PrepareOptions = {},
): Promise<Prepared> {
  const { model: separated, scratch } = separate(
    tagOwnImages(await declared, host.herd, instance),
    instance,
    service.dir,
    service.settings.test.data === 'copy',
  )
  const needs = service.settings.needs.map((name) => instanceOn(host, name, instance.kind, run))
  const joined = replicate(joinNeeds(separated, needs), service, replicasOf(host, service, instance))
  const images = await imagesOf(host, joined)
  const { model, defaults } = enclose(joined, instance, host.herd.dir, (name) => ({
    declaredWritable: service.writable.has(name),
    expectsChanges: learns || (service.policy?.declaration.expect.length ?? 0) > 0,
    imageUser: images.get(name)?.user ?? null,
  }))
  const missing = Object.entries(model.services).flatMap(([name, one]) => (images.has(name) ? [] : [one]))
  return { service, instance, model, defaults, openings: openings(model, service.writable), scratch, missing }
}

/** Each service's image; without those that the engine does not have. */
async function imagesOf(host: Host, model: Model): Promise<ReadonlyMap<string, Image>> {
  const asked = Object.entries(model.services).map(async ([name, { image = '' }]) => {
    const found = await findImage(host, image)
    return found === null ? null : ([name, found] as const)
  })
  return new Map((await Promise.all(asked)).filter((pair) => pair !== null))
}
