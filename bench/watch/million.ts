import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { acknowledge } from '../../src/alerts/acknowledge.ts'
import { AlertStore } from '../../src/alerts/store.ts'
import type { Finding } from '../../src/protocol/findings.ts'
import { Producer } from '../../test/watch/producer.ts'
import { produced } from '../../test/watch/scene.ts'
import { table } from '../section.ts'
import { containerOf, findingOf } from './burst.ts'
import { benchFolders, median, memoryMiB, type RunningFolders, startProgram } from './process.ts'

const CONTAINERS = 100
const PER_ALERT = 100
/** One that grew and grew. */
const LARGE_ALERT = 100_000
const DAYS = 90
const DAY_MS = 86_400_000

const pages = {
  'first look': '/',
  'alerts, open': '/alerts',
  'alerts, all': '/alerts?state=all',
  'alerts, the last page of all': '/alerts?state=all&before=LAST',
  'alerts, by container and severity': '/alerts?state=all&container=c7&severity=high',
  'alerts, a search that finds one': '/alerts?state=all&search=part-4242',
  'alerts, a search that finds none': '/alerts?state=all&search=nothing-like-this',
  'one alert': '/alerts/17',
  'one alert of 100,000 findings': '/alerts/LARGE',
  'one container': '/containers/c7',
  'one container that is gone': '/containers/large',
  'activity, a day': '/activity',
  'activity, 400 days': '/activity?hours=9600',
  system: '/system',
  '/metrics': '/metrics',
  '/healthz': '/healthz',
} as const

interface Answers {
  readonly times: ReadonlyMap<string, readonly number[]>
  readonly memory: { readonly resident: number; readonly peak: number }
  readonly startMs: number
}

/** Every page on a database of so many findings, beside the same pages on one of a thousand. */
export async function million(size: number, rounds: number): Promise<string> {
  const small = await answers(1000, rounds)
  const large = await answers(size, rounds)
  const rows = Object.keys(pages).map((name) => {
    const [few, many] = [small.times.get(name) ?? [], large.times.get(name) ?? []]
    const ms = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ms`
    const ratio = median(many) / median(few)
    return [name, ms(median(few)), ms(median(many)), ms(Math.max(...many)), ratio.toFixed(1)]
  })
  const head = ['page', 'of 1,000', `of ${size.toLocaleString('en')}`, 'worst (aim: 300 ms)', 'ratio']
  const { memory, startMs } = large
  return [
    `Pages of a watch with ${size.toLocaleString('en')} findings in some ${(size / PER_ALERT).toLocaleString('en')} alerts of ${CONTAINERS} containers, half of them open, over ${DAYS} days (medians of`,
    `${rounds}, the first of each among them; HTML, whole answers). Watch took ${memory.resident} MiB at the end and ${memory.peak} MiB at most (aim: below 150), and`,
    `${(startMs / 1000).toFixed(1)} s for its start, which reads the whole database to see whether it is undamaged.\n`,
    table(head, rows),
  ].join('\n')
}

async function answers(size: number, rounds: number): Promise<Answers> {
  const folders = benchFolders()
  const { large, last } = fill(folders, size)
  await using producer = await new Producer(folders.run, 'a'.repeat(32)).listen()
  producer.containers = Array.from({ length: CONTAINERS }, (_, index) => produced(containerOf(`c${index}`)))
  const started = performance.now()
  await using watch = await startProgram(['watch.js'], folders)
  const startMs = performance.now() - started
  const times = new Map<string, number[]>(Object.keys(pages).map((name) => [name, []]))
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, page] of Object.entries(pages)) {
      const path = page.replace('LARGE', large).replace('LAST', last)
      const start = performance.now()
      const answer = await watch.page(path)
      await answer.arrayBuffer()
      times.get(name)?.push(performance.now() - start)
      // Open alerts are what /healthz has to tell.
      if (!answer.ok && path !== '/healthz') throw new Error(`${path}: ${answer.status}`)
    }
  }
  return { times, startMs, memory: memoryMiB(watch.pid) }
}

/** As the sensor's findings are stored, by watch's own code, over the days. */
function fill({ state }: RunningFolders, size: number): { large: string; last: string } {
  mkdirSync(join(state, 'watch'))
  const start = Date.now() - DAYS * DAY_MS
  let now = start
  using store = new AlertStore(join(state, 'watch/alerts.db'), () => now)
  // An alert is synced once for all of its findings; while the benchmark makes them, not at all.
  store.database.exec('PRAGMA synchronous = OFF')
  let number = 0
  const record = (container: string, group: string, count: number) => {
    const findings = Array.from({ length: count }, (_, index): Finding => {
      number += 1
      const at = new Date(now + index).toISOString()
      return { ...findingOf(container, group, number), version: 1, number, at }
    })
    return store.record('b'.repeat(32), findings)
  }
  const largeCount = Math.min(LARGE_ALERT, size / 10)
  let large = 0
  for (let stored = 0; stored < largeCount; stored += 1000) {
    const { opened } = record('large', 'grows', Math.min(1000, largeCount - stored))
    large = opened[0] ?? large
  }
  const alerts = Math.max(30, Math.floor((size - largeCount) / PER_ALERT))
  for (let index = 0; index < alerts; index += 1) {
    now = start + Math.floor(((index + 1) / alerts) * DAYS * DAY_MS)
    const { opened } = record(`c${index % CONTAINERS}`, `of alert ${index}`, PER_ALERT)
    const by = { who: 'bench', reason: 'the new release', at: now }
    if (index % 2 === 0 && index !== 16)
      for (const id of opened) acknowledge(store.database, store.journal, String(id), by)
  }
  now = Date.now()
  const oldest = store.database
    .prepare('SELECT last_at, id FROM alerts ORDER BY last_at, id LIMIT 1 OFFSET 25')
    .get()
  return { large: String(large), last: `${String(oldest?.['last_at'])}-${String(oldest?.['id'])}` }
}
