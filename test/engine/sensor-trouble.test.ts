import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { NewFinding } from '../../src/sensor/ports.ts'
import { sensorOn } from '../attacks/sensor-under-test.ts'
import { testEngine, type TestContainer } from './harness.ts'

/* What the sensor tells of processes that are where they should not be, and of more than it can take. */

/** 100,000 in `npm run soak`. */
const BURST = Number(process.env['PADDOCK_BURST'] ?? '40000')
const BUILD = 3000
/** Within this time after an overflow another sweep of all may follow. */
const OVERFLOW_SWEEP_MS = 6000

/** The sensor's threads, by what is said to them. */
const threads = new Map<string, Worker>()
const { postMessage } = Object.getOwnPropertyDescriptors(Worker.prototype)
Worker.prototype.postMessage = function (this: Worker, message: { readonly type: string }) {
  threads.set(message.type, this)
  ;(postMessage.value as Worker['postMessage']).call(this, message)
}

const engine = await testEngine('docker', { own: true })
const under = await sensorOn(engine)
after(() => under.stop())

function changesOf({ id }: TestContainer, folder: string) {
  return under.findings.filter(
    ({ container, change, path }) =>
      container?.id === id && change !== undefined && path?.path.startsWith(folder) === true,
  )
}

const sweptAt = ({ id }: TestContainer): string | null =>
  under.sensor.answers.containers().find(({ container }) => container.id === id)?.lastSweepAt ?? null

const sum = (all: readonly { readonly count: number }[]) => all.reduce((total, { count }) => total + count, 0)

/** A file that was looked at while it was still written is told in both states: few are. */
function assertEach(told: number, made: number): void {
  assert.ok(told >= made && told < made * 1.1, `${told} of ${made} were told`)
}

const makeFiles = (folder: string, count: number): string =>
  `mkdir ${folder}; i=0; while [ $i -lt ${count} ]; do echo $i > ${folder}/$i; i=$((i+1)); done`

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries > 1200) throw new Error(`it never came that ${what}`)
    await sleep(100)
  }
}

test('the same user in two containers is told', async () => {
  const [one, other] = await Promise.all(
    ['one', 'other'].map((name) => engine.run({ name, args: ['--user=4711'] })),
  )
  assert.ok(one !== undefined && other !== undefined)
  await until('both are swept', () => [one, other].every((each) => sweptAt(each) !== null))
  under.sensor.answers.sweep(null)
  const finding = await under.finding(
    'the shared user',
    ({ reasons, summary }) => reasons.includes('user-shared') && summary.includes('4711'),
  )
  assert.ok([one.id, other.id].includes(finding.container?.id ?? ''))
  assert.ok(finding.summary.includes(one.name) || finding.summary.includes(other.name))
})

test("a process that left its container's namespaces is told at the second sweep", async (t) => {
  const container = await engine.run({ name: 'left' })
  await until('it is swept', () => sweptAt(container) !== null)
  const child = spawn('sleep', ['1000000'], { stdio: 'ignore' })
  t.after(() => child.kill('SIGKILL'))
  joinControlGroups(child.pid ?? 0, await container.pid())
  for (let sweeps = 0; sweeps < 2; sweeps++) {
    const before = under.sensor.answers.status().counters['sweeps'] ?? 0
    under.sensor.answers.sweep(container.id)
    await until('it was swept', () => (under.sensor.answers.status().counters['sweeps'] ?? 0) > before)
    await sleep(200)
  }
  const finding = await under.finding(
    'the process that left',
    ({ reasons, container: of }) => reasons.includes('left-namespaces') && of?.id === container.id,
  )
  assert.match(finding.summary, new RegExp(`process ${child.pid} \\(sleep\\)`))
})

test('a build of thousands of files is one growing group, in which every file is counted', async () => {
  const container = await engine.run({ name: 'build' })
  // What a sweep sees first is told of nobody.
  await until('it is swept', () => sweptAt(container) !== null)
  await container.exec('sh', '-c', makeFiles('/build', BUILD))
  await until('all are told', () => sum(changesOf(container, '/build')) >= BUILD + 1)
  under.sensor.answers.sweep(container.id)
  await sleep(2000)
  const told = changesOf(container, '/build')
  assertEach(sum(told), BUILD + 1)
  assert.ok(told.length < 100, `${told.length} findings`)
  assert.equal(new Set(told.map(({ group }) => group)).size, 1)
})

test(`a burst of ${BURST} files that fills the queue is told as an overflow, and the sweep misses none`, async () => {
  const container = await engine.run({ name: 'burst' })
  // Not in the layer directory: it would be counted.
  const over = `/proc/${await container.pid()}/root/dev/shm/over`
  const writing = container.exec('sh', '-c', `${makeFiles('/burst', BURST)}; echo > /dev/shm/over`)
  const overflow = () => under.findings.some(({ reasons }) => reasons.includes('queue-overflow'))
  // This thread is the sensor's main one: while it stands still, nobody takes what the kernel tells.
  const still = new Int32Array(new SharedArrayBuffer(4))
  for (let tries = 0; tries < 1000 && !existsSync(over); tries++) Atomics.wait(still, 0, 0, 100)
  await writing
  await until('an overflow is told', overflow)
  const unexpected = () =>
    under.sensor.answers.containers().find((each) => each.container.id === container.id)?.unexpected ?? 0
  await until('the sweep found all', () => unexpected() >= BURST + 1)
  await until('all are told', () => sum(changesOf(container, '/burst')) >= BURST + 1)
  assertEach(sum(changesOf(container, '/burst')), BURST + 1)
})

test('a thread that dies is told; the one in its place sees and denies as before', async () => {
  const sweeps = () => under.sensor.answers.status().lastSweep?.at ?? ''
  await until(
    'no sweep of an earlier test is due',
    () => Date.now() - Date.parse(sweeps()) > OVERFLOW_SWEEP_MS,
  )
  const container = await engine.run({ name: 'threads', labels: { 'paddock.exec': 'deny' } })
  await until('its own first sweep is over', () => sweptAt(container) !== null)
  const ofContainer = (at: string) => (finding: NewFinding) =>
    finding.container?.id === container.id && finding.path?.path === at
  await container.exec('mkdir', '/before')
  await under.finding('a folder before', ofContainer('/before'))
  await threads.get('watch')?.terminate()
  await under.finding('the death of one', ({ reasons }) => reasons.includes('kernel-events-died'))
  const before = sweeps()
  await until('all is swept', () => sweeps() !== before)
  await container.exec('mkdir', '/after')
  const after = await under.finding('a folder after', ofContainer('/after'))
  assert.equal(after.source, 'layer-watch')

  await threads.get('remark')?.terminate()
  await under.finding('the death of the other', ({ reasons }) => reasons.includes('verdicts-died'))
  const again = sweeps()
  await until('all is marked again', () => sweeps() !== again)
  const drop = 'cp /bin/busybox /busybox.dropped; /busybox.dropped echo it-ran; true'
  assert.equal(await container.exec('sh', '-c', drop), '')
  await under.finding(
    'a denied program',
    (finding) => ofContainer('/busybox.dropped')(finding) && finding.exec?.verdict === 'denied',
  )
  assert.equal(under.sensor.answers.status().selfTest?.ok, true)
})

/** As an intruder who broke out, or was let out, would stand: in the container's control groups, but not in its namespaces. */
function joinControlGroups(pid: number, init: number): void {
  for (const line of readFileSync(`/proc/${init}/cgroup`, 'utf8').trim().split('\n')) {
    const [, controllers = '', path = ''] = line.split(':')
    const folder = controllers === '' ? 'unified' : controllers.replace('name=', '')
    for (const root of [`/sys/fs/cgroup/${folder}`, '/sys/fs/cgroup']) {
      try {
        writeFileSync(`${root}${path}/cgroup.procs`, String(pid))
        break
      } catch {
        // Not mounted there.
      }
    }
  }
}
