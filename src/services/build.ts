import { UserError } from '../lib/errors.ts'
import { baseImage } from './base.ts'
import type { Service } from './declaration.ts'
import { hardenImage } from './harden-step.ts'
import { type Host, instanceOn } from './host.ts'
import { label } from './instance.ts'
import { type Model, type ModelService, resolveModel } from './model.ts'
import { findImage, ownImages, tagOwnImages } from './own-images.ts'
import { writeWhole } from './record.ts'
import { refusal } from './refusal.ts'
import { compose, modelText } from './start.ts'

/** The tag of an image as it was built, before it is hardened. It stays: what is built of the same is the same image again. */
const RAW = 'built'

export interface Built {
  /** Ids by repository: what `:latest` is now. Empty where the service builds no image of its own. */
  readonly images: Readonly<Record<string, string>>
  readonly durationMs: number
}

/** Builds a service's images, hardens them, and calls them `:latest`. What ran or is `:live` stays as it is. */
export async function build(host: Host, service: Service): Promise<Built> {
  const started = performance.now()
  const dev = instanceOn(host, service.name, 'dev')
  const instance = { ...dev, tag: RAW, modelPath: dev.modelPath.replace(/dev\.yaml$/, `${RAW}.yaml`) }
  const declared = tagOwnImages(await resolveModel(host.docker, service, instance), host.herd, instance)
  const repositories = ownImages(declared)
  for (const name of repositories) await refuseForeign(host, service, name)
  if (repositories.length > 0) {
    const { base } = service.settings
    const reference = base === null ? null : await baseImage(host, service, base)
    writeWhole(instance.modelPath, modelText(withArguments(declared, host, reference), service))
    host.tell(service.name, 'building')
    const ran = await compose(host, instance, ['build'])
    if (ran.code !== 0) throw await refusal(host.docker, ran, `build '${service.name}'`)
  }
  const images: Record<string, string> = {}
  for (const name of repositories) images[name] = await finish(host, service, declared, name)
  host.tell(service.name, 'built')
  return { images, durationMs: Math.round(performance.now() - started) }
}

async function finish(host: Host, service: Service, model: Model, name: string): Promise<string> {
  const raw = `${name}:${RAW}`
  host.tell(service.name, service.settings.harden.on ? `hardening ${name}` : `${name} stays as it was built`)
  return hardenImage(host, service, model, raw, `${name}:latest`)
}

function withArguments(model: Model, { herd }: Host, base: string | null): Model {
  const build = (one: ModelService): ModelService => {
    if (one.build === undefined) return one
    const declared = one.build as { args?: Record<string, string>; labels?: Record<string, string> }
    return {
      ...one,
      build: {
        ...declared,
        args: { ...(base === null ? {} : { BASE: base }), ...declared.args },
        labels: { ...declared.labels, [label.herd]: herd.dir },
      },
    }
  }
  return {
    ...model,
    services: Object.fromEntries(Object.entries(model.services).map(([name, one]) => [name, build(one)])),
  }
}

/** Two herds that name an image alike would promote each other's. */
async function refuseForeign({ engine, herd }: Host, service: Service, name: string): Promise<void> {
  const existing = await findImage({ engine }, `${name}:latest`)
  const owner = existing?.labels[label.herd]
  if (owner === undefined || owner === herd.dir) return
  throw new UserError(`cannot build '${service.name}': the image '${name}' belongs to the herd ${owner}`, {
    hint: `name it otherwise in ${service.composePath}`,
  })
}
