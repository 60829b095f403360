import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { globFor } from '../harden/glob-for.ts'
import { harden } from '../harden/harden.ts'
import type { ImageTest } from '../harden/test-image.ts'
import { UserError } from '../lib/errors.ts'
import type { Service } from './declaration.ts'
import type { Host } from './host.ts'
import type { Model, ModelService } from './model.ts'
import { refusal } from './refusal.ts'

/**
 * Makes the image that runs of the one that was built. What the service declares to run stays, beside what the image
 * itself names: programs of its policy, of the compose file's command and health check, and `harden: { keep: … }`. The other
 * switches of `paddock harden` are the service's to set too.
 * @returns its id
 */
export async function hardenImage(
  host: Host,
  service: Service,
  model: Model,
  from: string,
  to: string,
): Promise<string> {
  const { on, keep, trace, ...switches } = service.settings.harden
  if (!on) {
    const ran = await host.docker.run(['tag', from, to])
    if (ran.code !== 0) throw await refusal(host.docker, ran, `name the image '${to}'`)
    return (await host.engine.image(to)).id
  }
  const { imageId, test } = await harden(host.engine, {
    image: from,
    tag: to,
    keep: [...new Set([...keep, ...declaredPrograms(service), ...composePrograms(model, from)])],
    ...switches,
    ...(trace ? { trace, test: ownTest(service) } : {}),
    signal: host.signal,
  })
  if (imageId === null) {
    const missing = test?.missing ?? []
    throw new UserError(`cannot harden '${from}': its test failed on the hardened image`, {
      hint:
        missing.length === 0
          ? `leave out 'trace' or name what it needs under x-paddock.harden.keep in ${service.composePath}`
          : `add to x-paddock.harden.keep in ${service.composePath}: ${missing.map(globFor).join(', ')}`,
    })
  }
  return imageId
}

/** The service's own test, on its image alone: without compose's volumes, and without the services that it needs. */
function ownTest({ dir }: Service): ImageTest {
  const commands = existsSync(join(dir, 'test')) ? ['./test'] : []
  return { commands, folder: dir, env: [] }
}

function declaredPrograms({ policy }: Service): readonly string[] {
  return (policy?.declaration.processes ?? []).map(({ exe }) => exe)
}

function composePrograms({ services }: Model, image: string): readonly string[] {
  return Object.values(services)
    .filter((one) => one.image === image)
    .flatMap((one) => programsOf(one))
}

function programsOf({ entrypoint, command, healthcheck }: ModelService): readonly string[] {
  const check = (healthcheck as { test?: unknown } | undefined)?.test
  const [kind, ...words] = texts(check)
  const checked = kind === 'CMD' ? words[0] : kind === 'CMD-SHELL' ? '/bin/sh' : undefined
  return [texts(entrypoint)[0], texts(command)[0], checked]
    .filter((name) => name !== undefined)
    .flatMap(places)
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((word) => typeof word === 'string') : []
}

/** Where a program lies; a bare name is looked for as PATH would. */
function places(name: string): readonly string[] {
  if (name.startsWith('/')) return [name]
  return ['/bin', '/sbin', '/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin'].map(
    (folder) => `${folder}/${name}`,
  )
}
