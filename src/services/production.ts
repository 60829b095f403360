import type { Service } from './declaration.ts'
import { type Host, instanceOn } from './host.ts'
import type { Instance } from './instance.ts'
import { type Opening } from './openings.ts'
import { ownImages } from './own-images.ts'
import { newRelease, readRelease, recordedRepositories, rememberRelease, runRelease } from './release.ts'
import { start, type StartOptions } from './start.ts'

export interface Up {
  readonly instance: Instance
  readonly openings: readonly Opening[]
  /** Since when it runs with an earlier declaration than the folder's; null where it runs with the folder's. */
  readonly pinnedSince: string | null
}

/**
 * Starts an instance. Production that was rolled back runs with its own declaration until the next promotion; what it
 * runs otherwise is remembered, so that it can be returned to.
 */
export async function startInstance(
  host: Host,
  service: Service,
  kind: Instance['kind'],
  options: { recreate: boolean } & Pick<StartOptions, 'declared'>,
): Promise<Up> {
  const instance = instanceOn(host, service.name, kind)
  const pinned = kind === 'prod' ? await pinnedRelease(host, service.name) : null
  if (pinned !== null) {
    await runRelease(host, service.name, pinned, options)
    return { instance, openings: [], pinnedSince: pinned.at }
  }
  const { prepared, modelText, policyText } = await start(host, service, instance, options)
  if (kind === 'prod') {
    const repositories = ownImages(prepared.model)
    const known = await readRelease(host, service.name, repositories, 'live')
    const live = known ?? (repositories.length === 0 ? newRelease({}) : null)
    if (live !== null) rememberRelease(host, service.name, 'live', { ...live, modelText, policyText })
  }
  return { instance, openings: prepared.openings, pinnedSince: null }
}

async function pinnedRelease(host: Host, name: string) {
  const repositories = recordedRepositories(host, name)
  if (repositories === null) return null
  const live = await readRelease(host, name, repositories, 'live')
  return live?.isPinned === true && live.modelText !== null ? live : null
}
