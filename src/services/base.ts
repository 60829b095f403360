import { createHash } from 'node:crypto'
import { createReadStream, existsSync, mkdirSync, renameSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { openWriter } from '../engine/writer.ts'
import { UserError } from '../lib/errors.ts'
import { printable } from '../lib/printable.ts'
import { makeRoot, SUITE } from './debian-root.ts'
import type { Service } from './declaration.ts'
import type { Host } from './host.ts'
import { findImage } from './own-images.ts'
import { complaint, refusal } from './refusal.ts'
import type { BaseSettings } from './settings.ts'

/** Raised when what makes a base changes, so that no cache holds what the old one made. */
const RECIPE = 4

/**
 * How long a registry may take to say that it has an image, and how long to give it. A firewall that drops packets says
 * nothing; the engine by itself asks several times, for longer than anybody watches.
 */
const ANSWER_MS = 20_000
const PULL_MS = 10 * 60_000

/**
 * The image that a Dockerfile's `ARG BASE` names: the declared one, by its digest, where the engine has it or a registry
 * answers; else the declared packages; and on it what the declared folder builds.
 * @returns its reference
 */
export async function baseImage(host: Host, service: Service, base: BaseSettings): Promise<string> {
  const { image, packages, folder } = base
  if (folder === null) return plainBase(host, service.name, base)
  const isPlain = image === null && packages.length === 0
  const on = isPlain ? [] : ['--build-arg', `BASE=${await plainBase(host, service.name, base)}`]
  const reference = `paddock/base:${host.herd.id}-${service.name}`
  host.tell(service.name, `building its base ${folder}`)
  const ran = await host.docker.run(['build', '--tag', reference, ...on, resolve(service.dir, folder)])
  if (ran.code !== 0) throw await refusal(host.docker, ran, `build the base '${folder}' of '${service.name}'`)
  return reference
}

async function plainBase(host: Host, service: string, { image, packages }: BaseSettings): Promise<string> {
  if (image === null) return packagesImage(host, service, packages)
  if ((await findImage(host, image)) !== null) return image
  host.tell(service, `fetching ${image}: its registry has ${ANSWER_MS / 1000} s to answer`)
  // Not --quiet: its first line comes when the registry has answered.
  const pulled = await host.docker.run(['pull', image], { firstWordMs: ANSWER_MS, timeoutMs: PULL_MS })
  if (pulled.code === 0) return image
  host.signal.throwIfAborted()
  const ran = pulled.code === null ? { ...pulled, stderr: 'its registry does not answer in time' } : pulled
  if (packages.length === 0)
    throw await refusal(host.docker, ran, `fetch the base image '${image}' of '${service}'`)
  host.tell(service, `no registry gave ${image} (${printable(complaint(ran))}): making it of Debian packages`)
  return packagesImage(host, service, packages)
}

/**
 * An image of Debian packages, unpacked, and nothing else: no shell and no package manager unless they are asked for. Made once and kept, as an image in the engine and as a tar in the cache.
 * @returns its reference
 */
async function packagesImage(host: Host, service: string, wanted: readonly string[]): Promise<string> {
  const packages = [...new Set(wanted)].sort()
  const recipe = JSON.stringify([RECIPE, SUITE, process.arch, packages])
  const key = createHash('sha256').update(recipe).digest('hex').slice(0, 16)
  const reference = `paddock/base:${key}`
  if ((await findImage(host, reference)) !== null) return reference
  const tar = join(cacheDir(host), `${key}.tar`)
  if (!existsSync(tar)) {
    host.tell(service, `unpacking ${packages.join(', ')} from Debian ${SUITE}`)
    mkdirSync(cacheDir(host), { recursive: true, mode: 0o755 })
    const fresh = `${tar}.${process.pid}`
    await makeRoot(packages, fresh, host.signal)
    renameSync(fresh, tar)
  }
  const writer = await openWriter(host.engine, host.signal)
  await writer.importImage(createReadStream(tar), reference)
  if ((await findImage(host, reference)) === null) {
    throw new UserError(
      `cannot make the base image of '${service}': the engine took it in and does not have it`,
    )
  }
  return reference
}

function cacheDir({ env, stateDir }: Host): string {
  return env['PADDOCK_CACHE_DIR'] ?? join(stateDir, 'cache')
}
