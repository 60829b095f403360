import { join } from 'node:path'
import { UserError } from '../lib/errors.ts'
import { type Host, instanceOn, serviceOf, stateOf } from './host.ts'
import { imageIds } from './own-images.ts'
import { readRecord, removeRecord, writeRecord } from './record.ts'
import { refusal } from './refusal.ts'
import { bringUp, start } from './start.ts'

/** What production ran at one time: images, and the declaration that they ran with. */
export interface Release {
  /** Ids by repository. */
  readonly images: Readonly<Record<string, string>>
  /** The compose file it ran; null when it never ran. */
  readonly modelText: string | null
  readonly policyText: string | null
  /** When it was promoted. */
  readonly at: string
  /** It was gone back to: it runs with its own declaration, not with the folder's, until the next promotion. */
  readonly isPinned: boolean
}

/** Promoted now, not run yet. */
export function newRelease(images: Release['images']): Release {
  return { images, modelText: null, policyText: null, at: new Date().toISOString(), isPinned: false }
}

export type ReleaseTag = 'live' | 'prev'

export function isRelease(value: unknown): value is Release {
  if (typeof value !== 'object' || value === null || !('images' in value) || !('at' in value)) return false
  const { images, at } = value
  return typeof at === 'string' && typeof images === 'object' && images !== null
}

function recordPath(host: Host, service: string, tag: ReleaseTag): string {
  return join(stateOf(host, service), `${tag}.json`)
}

/** @returns null where nothing was released yet */
export function recordedRepositories(host: Host, service: string): readonly string[] | null {
  const record = readRecord(recordPath(host, service, 'live'), isRelease)
  return record === null ? null : Object.keys(record.images)
}

/**
 * What a tag stands for now. The engine's tags are the truth; the record adds the declaration where it is of those images.
 * @param repositories of the images that the service builds
 */
export async function readRelease(
  host: Host,
  service: string,
  repositories: readonly string[],
  tag: ReleaseTag,
): Promise<Release | null> {
  const record = readRecord(recordPath(host, service, tag), isRelease)
  const images = await imageIds(host, repositories, tag)
  const isComplete = repositories.every((name) => images[name] !== undefined)
  if (record !== null && isComplete && sameImages(record.images, images)) return record
  // Where nothing is built, the declaration is all that there is to return to.
  if (!isComplete || repositories.length === 0) return null
  return { images, modelText: null, policyText: null, at: new Date(0).toISOString(), isPinned: false }
}

/** Points a tag at a release, or takes it away. Doing it twice is doing it once. */
export async function writeRelease(
  host: Host,
  service: string,
  tag: ReleaseTag,
  release: Release | null,
  repositories: readonly string[],
): Promise<void> {
  if (release === null) {
    for (const name of repositories) await host.docker.run(['image', 'rm', '--no-prune', `${name}:${tag}`])
    removeRecord(recordPath(host, service, tag))
    return
  }
  for (const [name, id] of Object.entries(release.images)) {
    const ran = await host.docker.run(['tag', id, `${name}:${tag}`])
    if (ran.code !== 0)
      throw await refusal(host.docker, ran, `name the image of '${service}' '${name}:${tag}'`)
  }
  rememberRelease(host, service, tag, release)
}

/** Where the tags are right already: writes down the declaration that goes with them. */
export function rememberRelease(host: Host, service: string, tag: ReleaseTag, release: Release): void {
  writeRecord(recordPath(host, service, tag), release)
}

/** Runs a release as production, with its own declaration where it has one, else with the folder's. */
export async function runRelease(
  host: Host,
  name: string,
  release: Release,
  { recreate }: { recreate: boolean } = { recreate: false },
): Promise<Release> {
  const instance = instanceOn(host, name, 'prod')
  const { modelText, policyText } = release
  if (modelText !== null && policyText !== null) {
    // The folder's compose file may be what is broken.
    await bringUp(
      host,
      instance,
      { modelText, policyText },
      { recreate, healthyWithinMs: waitFor(host, name) },
    )
    return release
  }
  const started = await start(host, serviceOf(host, name), instance)
  return { ...release, modelText: started.modelText, policyText: started.policyText }
}

function waitFor(host: Host, name: string): number {
  try {
    return serviceOf(host, name).settings.healthyWithinMs
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return 60_000
  }
}

export function sameImages(a: Release['images'], b: Release['images']): boolean {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name])
}

/** "sha256:3f2a…" as people tell ids. */
export function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12)
}
