import { join } from 'node:path'
import { type Host, instanceOn, stateOf } from './host.ts'
import { readRecord, removeRecord, writeRecord } from './record.ts'
import { isRelease, type Release, runRelease, writeRelease } from './release.ts'
import { stop } from './stop.ts'
import { endTestRun } from './test-cleanup.ts'

/**
 * What is under way with production, on disk before it begins. `trying`: a new release is tried; what is here is what was
 * before. `back`: it was decided to go there.
 */
export interface Intent {
  readonly phase: 'trying' | 'back'
  readonly repositories: readonly string[]
  /** What `:live` and `:prev` are to be again. */
  readonly live: Release | null
  readonly prev: Release | null
  /** Whether production ran. */
  readonly wasUp: boolean
}

function isIntent(value: unknown): value is Intent {
  if (typeof value !== 'object' || value === null || !('phase' in value) || !('live' in value)) return false
  const { phase, live } = value
  return (phase === 'trying' || phase === 'back') && (live === null || isRelease(live))
}

function path(host: Host, service: string): string {
  return join(stateOf(host, service), 'intent.json')
}

export const journal = {
  write: (host: Host, service: string, intent: Intent) => writeRecord(path(host, service), intent),
  read: (host: Host, service: string) => readRecord(path(host, service), isIntent),
  remove: (host: Host, service: string) => removeRecord(path(host, service)),
}

/** Carries out what the journal says production is to be. Every step may be repeated. */
export async function goBack(host: Host, service: string): Promise<Release | null> {
  const intent = journal.read(host, service)
  if (intent === null) return null
  journal.write(host, service, { ...intent, phase: 'back' })
  const { repositories, prev, wasUp } = intent
  // Until the next promotion it runs with the declaration that it ran with: the folder's is the other one's.
  const live = intent.live === null ? null : { ...intent.live, isPinned: intent.live.modelText !== null }
  await writeRelease(host, service, 'live', live, repositories)
  await writeRelease(host, service, 'prev', prev, repositories)
  if (live === null || !wasUp) await stop(host, instanceOn(host, service, 'prod'))
  else {
    const ran = await runRelease(host, service, live)
    await writeRelease(host, service, 'live', ran, repositories)
  }
  journal.remove(host, service)
  return live
}

/**
 * Undoes what an interrupted command left of a service: a test instance, an upgrade that was not through. The caller has the
 * service's lock, so nobody is at it.
 */
export async function recover(host: Host, service: string): Promise<void> {
  const intent = journal.read(host, service)
  if (intent !== null) {
    const what = intent.phase === 'trying' ? 'an upgrade' : 'a way back'
    host.tell(service, `${what} was interrupted: going back to what ran before`)
    await goBack(host, service)
  }
  if (await endTestRun(host, service)) host.tell(service, 'an interrupted test was taken down')
}
