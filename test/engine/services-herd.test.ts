import assert from 'node:assert/strict'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, makeHerd } from './herd.ts'
import { testEngine } from './harness.ts'

/* The sample herd as it is shipped: built, hardened, tested, promoted, scaled, broken and returned to, under a steady client. */

const engine = await testEngine('docker-bridge')
const herd = makeHerd(engine, 'sample')
const port = await freePort()
herd.env['PADDOCK_WEB_PORT'] = String(port)
cpSync('herd', herd.dir, { recursive: true, filter: (path) => !path.startsWith('herd/base') })
after(() => herd.remove())

const site = `http://127.0.0.1:${port}`

/** Milliseconds since the epoch. */
interface Span {
  readonly from: number
  readonly to: number
}

interface Answer extends Span {
  readonly isWell: boolean
}

interface Visits {
  visits: number
  replica: string
}

async function well(...args: string[]): Promise<string> {
  const { code, out, err } = await herd.paddock(...args)
  assert.equal(code, 0, out + err)
  return out
}

test('the sample herd builds, passes its tests, starts in waves and stays clean', async () => {
  await well('build', 'web', 'redis', 'api')
  await well('test', '--all')
  await well('promote', '--all')
  await well('up', '--all')
  const first = (await (await fetch(`${site}/api/visits`)).json()) as Visits
  const second = (await (await fetch(`${site}/api/visits`)).json()) as Visits
  assert.equal(second.visits, first.visits + 1)
  const names = await engine.cli('ps', '--format', '{{.Names}}', '--filter', `label=paddock.herd=${herd.dir}`)
  assert.match(await well('scan', ...names.split('\n')), /nothing unexpected in 3 containers/)
})

test('replicas share the work behind the site, and go without cutting an answer short', async () => {
  await well('scale', 'api=3')
  // Longer than nginx keeps what a name stands for; then each request begins with a replica by chance.
  await sleep(1500)
  const replicas = new Set<string>()
  for (let request = 0; request < 24; request++)
    replicas.add(((await (await fetch(`${site}/api/visits`)).json()) as Visits).replica)
  // By chance one in 20,000 would miss one of the three.
  assert.equal(replicas.size, 3, [...replicas].join())
  const underWay = Array.from({ length: 6 }, () => fetch(`${site}/api/slow`))
  await Promise.all([...underWay, well('scale', 'api=1')])
  for (const answer of await Promise.all(underWay)) assert.equal(answer.status, 200)
})

test('a broken version is gone back from by itself; a steady client loses nothing beyond the restarts', async (t) => {
  const compose = join(herd.dir, 'web/compose.yaml')
  // Its test passes: only production's port is watched, and there its health is bad after a while.
  const sick = readFileSync(compose, 'utf8').replace('expect: []', 'expect: []\n  watch: 8s')
  writeFileSync(compose, sick.replace("'http://127.0.0.1:8080/']", "'http://127.0.0.1:8080/${PADDOCK_TAG}']"))
  writeFileSync(join(herd.dir, 'web/files/srv/www/latest'), 'well\n')
  const before = await engine.cli('image', 'inspect', '--format', '{{.Id}}', 'herd/web:live')

  const client = new AbortController()
  const answers: Answer[] = []
  const steady = (async () => {
    while (!client.signal.aborted) {
      const from = Date.now()
      const answer = await fetch(site, { signal: AbortSignal.timeout(2000) }).catch(() => null)
      const text = await answer?.text().catch(() => null)
      const isWell = answer?.status === 200 && text?.includes('The herd is in') === true
      answers.push({ from, to: Date.now(), isWell })
      await sleep(20)
    }
  })()
  const since = Date.now()
  const upgrade = await herd.json(1, 'upgrade', 'web')
  await sleep(500)
  client.abort()
  await steady
  assert.equal((upgrade['services'] as { outcome: string }[])[0]?.outcome, 'back')
  assert.equal(await engine.cli('image', 'inspect', '--format', '{{.Id}}', 'herd/web:live'), before)
  assert.equal((await fetch(site)).status, 200)

  const restarts = await restartsSince(since, answers)
  const failures = answers.filter(({ isWell }) => !isWell)
  const lost = failures.filter(({ from, to }) => !restarts.some((one) => from <= one.to && to >= one.from))
  const downMs = restarts.map(({ from, to }) => Math.round(to - from)).join(' and ')
  t.diagnostic(
    `${answers.length} requests, ${failures.length} failed, ${lost.length} beyond the restarts, of ${downMs} ms`,
  )
  // The way there, and the way back.
  assert.equal(restarts.length, 2)
  assert.deepEqual(lost, [], JSON.stringify(restarts))
})

test('a service that begins as a copy of one of them builds and passes its test', async () => {
  await well('init', 'cache', '--from', 'redis')
  await well('build', 'cache')
  await well('test', 'cache')
})

/**
 * From when production's container was told to stop, as the engine says, to the first answer of the one that was started
 * for it. The engine writes its event some milliseconds after it sent the signal: the last answer before the event begins
 * the restart, if that was not more than a second earlier.
 */
async function restartsSince(since: number, answers: readonly Answer[]): Promise<readonly Span[]> {
  const wanted = [
    `label=paddock.herd=${herd.dir}`,
    'label=paddock.service=web',
    'label=paddock.instance=prod',
  ]
  const events = await engine.cli(
    ...['events', '--since', String(since / 1000), '--until', String(Date.now() / 1000)],
    ...[...wanted, 'event=kill', 'event=start'].flatMap((filter) => ['--filter', filter]),
    ...['--format', '{{.TimeNano}} {{.Action}}'],
  )
  const spans: Span[] = []
  let from: number | null = null
  for (const line of events.split('\n')) {
    const [nanoseconds, action] = line.split(' ')
    const at = Number(nanoseconds) / 1e6
    if (action === 'kill') {
      const last = answers.findLast((one) => one.isWell && one.to <= at)
      from ??= Math.max(last?.to ?? 0, at - 1000)
    }
    if (action !== 'start' || from === null) continue
    const first = answers.find((one) => one.isWell && one.from >= at)
    spans.push({ from, to: first?.to ?? Infinity })
    from = null
  }
  return spans
}
