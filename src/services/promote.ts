import { UserError } from '../lib/errors.ts'
import type { Service } from './declaration.ts'
import { type Host, instanceOn } from './host.ts'
import { isProductionUp } from './containers.ts'
import { journal } from './journal.ts'
import { resolveModel } from './model.ts'
import { imageIds, ownImages, tagOwnImages } from './own-images.ts'
import { newRelease, readRelease, type Release, sameImages, writeRelease } from './release.ts'
import { refuseUntested } from './test-run.ts'

export interface Promotion {
  readonly repositories: readonly string[]
  /** What `:live` is now. */
  readonly live: Release
  /** What it was, and `:prev` is now; null where there was none. */
  readonly before: Release | null
  /** False: `:live` was it already. */
  readonly isNew: boolean
}

/** `:live` → `:prev`, `:latest` → `:live`, if the test passed for that very image. What runs goes on as it is. */
export async function promote(host: Host, service: Service): Promise<Promotion> {
  const repositories = await repositoriesOf(host, service)
  const images = await latestImages(host, service, repositories)
  refuseUntested(host, service.name, images)
  const before = await readRelease(host, service.name, repositories, 'live')
  const live = newRelease(images)
  if (before !== null && sameImages(before.images, images)) {
    const unpinned = { ...before, isPinned: false }
    await writeRelease(host, service.name, 'live', unpinned, repositories)
    return { repositories, live: unpinned, before: null, isNew: false }
  }
  // Of an upgrade, which has begun one, it is a part.
  const isWhole = journal.read(host, service.name) === null
  if (isWhole) {
    const prev = await readRelease(host, service.name, repositories, 'prev')
    const wasUp = await isProductionUp(host, service.name)
    journal.write(host, service.name, { phase: 'trying', repositories, live: before, prev, wasUp })
  }
  if (before !== null) await writeRelease(host, service.name, 'prev', before, repositories)
  await writeRelease(host, service.name, 'live', live, repositories)
  if (isWhole) journal.remove(host, service.name)
  host.tell(service.name, 'promoted')
  return { repositories, live, before, isNew: true }
}

/** Repositories of the images that a service builds, as its production instance names them. */
export async function repositoriesOf(host: Host, service: Service): Promise<readonly string[]> {
  const instance = instanceOn(host, service.name, 'prod')
  return ownImages(tagOwnImages(await resolveModel(host.docker, service, instance), host.herd, instance))
}

async function latestImages(
  host: Host,
  service: Service,
  repositories: readonly string[],
): Promise<Release['images']> {
  const images = await imageIds(host, repositories, 'latest')
  const missing = repositories.find((name) => images[name] === undefined)
  if (missing === undefined) return images
  throw new UserError(`cannot promote '${service.name}': there is no image '${missing}:latest'`, {
    hint: `make and test it: paddock build ${service.name} && paddock test ${service.name}`,
  })
}
