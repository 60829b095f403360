import { setTimeout as sleep } from 'node:timers/promises'
import { UserError } from '../lib/errors.ts'
import { build } from './build.ts'
import { containersOf, isProductionUp, lastingName, ofInstance } from './containers.ts'
import type { Service } from './declaration.ts'
import { type Host, instanceOn } from './host.ts'
import { goBack, journal } from './journal.ts'
import { promote } from './promote.ts'
import { readRelease, type Release, runRelease, writeRelease } from './release.ts'
import { runTest, type TestResult } from './test-run.ts'
import { undisturbed } from './test-cleanup.ts'

export interface Upgrade {
  /** kept: the new one stays. unchanged: production has it already. test-failed: production was not touched. back: it was not well. */
  readonly outcome: 'kept' | 'unchanged' | 'test-failed' | 'back'
  /** Why it went back, or why the test failed; null where all is well. */
  readonly reason: string | null
  readonly live: Release | null
  readonly test: TestResult | null
}

/** What an operator would see of a container while an upgrade watches: why it is not well, or null. */
export type LookAt = (containerId: string) => Promise<string | null>

/** An open alert. */
export interface ServiceAlert {
  readonly id: string
  readonly container: string | null
  readonly severity: string
  readonly summary: string
  /** Ids of what is wrong. */
  readonly reasons: readonly string[]
  readonly findings: number
  /** RFC 3339 */
  readonly firstAt: string
}

export interface UpgradeOptions {
  readonly builds: boolean
  readonly watchMs: number
  readonly lookAt: LookAt
  /** What is open now; null where nobody says. */
  readonly alerts: () => Promise<readonly ServiceAlert[] | null>
}

/** Build, test, promote, restart, watch; and back to what ran before, with its own declaration, if it is not well. */
export async function upgrade(host: Host, service: Service, options: UpgradeOptions): Promise<Upgrade> {
  if (options.builds) await build(host, service)
  const test = await runTest(host, service)
  if (!test.ok) return { outcome: 'test-failed', reason: test.reason, live: null, test }

  const repositories = Object.keys(test.images)
  const before = await readRelease(host, service.name, repositories, 'live')
  const earlier = await readRelease(host, service.name, repositories, 'prev')
  const wasUp = await isProductionUp(host, service.name)
  // From here to the end of the watch an interruption is found by the next command, and undone.
  journal.write(host, service.name, { phase: 'trying', repositories, live: before, prev: earlier, wasUp })
  const news = await newsSince(host, service.name, options.alerts)
  const { live, isNew } = await promote(host, service)
  let reason: string | null
  let ran: Release = live
  try {
    ran = await runRelease(host, service.name, { ...live, modelText: null, policyText: null })
    await writeRelease(host, service.name, 'live', ran, repositories)
    reason = await watch(host, service.name, options, news)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    reason = error.message
  }
  if (reason === null) {
    // The same images with another declaration are another release: what ran before can be returned to.
    const isOther = before !== null && before.modelText !== null && before.modelText !== ran.modelText
    if (!isNew && isOther) await writeRelease(host, service.name, 'prev', before, repositories)
    journal.remove(host, service.name)
    return { outcome: isNew || isOther ? 'kept' : 'unchanged', reason: null, live: ran, test }
  }
  host.tell(service.name, 'not well: going back')
  await goBack(undisturbed(host), service.name)
  return { outcome: 'back', reason, live: before, test }
}

/** Why the alerts that came since then say that the service is not well, or null. */
type News = () => Promise<string | null>

/** What was open before is known; that it goes on is news. */
async function newsSince(host: Host, name: string, ask: UpgradeOptions['alerts']): Promise<News> {
  const startedAt = Date.now()
  const { project } = instanceOn(host, name, 'prod')
  const open = await ask()
  if (open === null) host.tell(name, 'no alerts are known: paddock watch does not answer')
  const before = new Map(open?.map(({ id, findings }) => [id, findings]))
  return async () => {
    const now = (await ask()) ?? []
    const news = now.find(({ id, container, findings, firstAt, reasons }) => {
      if (!lastingName(container ?? '').startsWith(`${project}-`)) return false
      // Told anew of each new container: it speaks of who else runs here, not of the version.
      if (reasons.every((reason) => reason === 'user-shared')) return false
      // Where nobody answered before, its time tells.
      if (open === null) return Date.parse(firstAt) >= startedAt
      return findings > (before.get(id) ?? 0)
    })
    return news === undefined ? null : `alert ${news.id} (${news.severity}): ${news.summary}`
  }
}

/** @returns why it is not well; null after the whole time without trouble */
async function watch(
  host: Host,
  name: string,
  { watchMs, lookAt }: UpgradeOptions,
  news: News,
): Promise<string | null> {
  host.tell(name, `watching for ${Math.round(watchMs / 1000)} s`)
  const until = performance.now() + watchMs
  for (;;) {
    const trouble = (await troubleOf(host, name, lookAt)) ?? (await news())
    if (trouble !== null) return trouble
    if (performance.now() >= until) return null
    if (host.signal.aborted) return 'the upgrade was interrupted'
    await sleep(Math.min(1000, Math.max(1, until - performance.now())))
  }
}

async function troubleOf(host: Host, name: string, lookAt: LookAt): Promise<string | null> {
  const isOurs = ofInstance(instanceOn(host, name, 'prod'))
  const containers = await containersOf(host, isOurs)
  if (containers.length === 0) return 'its containers are gone'
  for (const { id, name: container } of containers) {
    const { state, health, restartCount } = await host.engine.container(id)
    if (state !== 'running') return `${container} is ${state}`
    if (restartCount > 0) return `${container} was restarted`
    if (health === 'unhealthy') return `${container} is unhealthy`
    const seen = await lookAt(id)
    if (seen !== null) return `${container}: ${seen}`
  }
  return null
}
