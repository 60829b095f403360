import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openPolicyStore } from '../../src/policy/store.ts'
import type { NewFinding } from '../../src/sensor/ports.ts'
import { startSensor } from '../../src/sensor/sensor.ts'
import { keepKernelEvents, keepVerdicts } from '../../src/sensor/threads.ts'
import { TICK_MS } from '../../src/sensor/tick.ts'
import type { FromVerdict } from '../../src/sensor/verdict/messages.ts'

/* The sensor's threads die, hang and are held up; the clock is set. */

const folder = mkdtempSync('/var/tmp/paddock-threads-')
after(() => rmSync(folder, { recursive: true, force: true }))

interface Life {
  readonly troubles: string[]
  restarts: number
}

function care(life: Life) {
  return {
    trouble: (kind: string, detail: string) => life.troubles.push(`${kind}: ${detail}`),
    restarted: () => (life.restarts += 1),
  }
}

/** A kept thread of verdicts, and how often one began to run. */
function verdictsOf(life: Life, proc = '/proc', onMessage: (message: FromVerdict) => void = () => undefined) {
  const ran = { times: 0 }
  const verdicts = keepVerdicts(
    {
      proc,
      changes: -1,
      defaultPolicy: { mode: 'alert', execAllow: [] },
      onMessage(message) {
        if (message.type === 'ready') ran.times += 1
        onMessage(message)
      },
    },
    care(life),
  )
  return { verdicts, ran }
}

/** A process that is not there: the thread says so. */
const nobody = { type: 'adopt', init: { containerId: 'x', pid: 0 } } as const

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries > 600) throw new Error(`it never came that ${what}`)
    await sleep(50)
  }
}

test('a thread of verdicts that dies is told, and another takes its place', async () => {
  const life: Life = { troubles: [], restarts: 0 }
  let answers = 0
  const { verdicts, ran } = verdictsOf(life, '/proc', ({ type }) => {
    if (type === 'not-marked') answers += 1
  })
  verdicts.send(nobody)
  await until('it answers', () => ran.times === 1 && answers === 1)
  verdicts.send({ type: 'no such message' } as never)
  await until('another runs', () => life.restarts === 1 && ran.times === 2)
  assert.match(life.troubles.join(), /^verdicts-died: /)
  verdicts.send(nobody)
  await until('it answers', () => answers === 2)
  await verdicts.stop()
  assert.equal(life.troubles.length, 1, 'a stop is no death')
})

test('a thread of verdicts that hangs is told, and another takes its place', async () => {
  const life: Life = { troubles: [], restarts: 0 }
  // A file of /proc never keeps its reader waiting; this one does.
  const proc = join(folder, 'proc')
  const mounts = join(proc, String(process.pid), 'mountinfo')
  mkdirSync(join(proc, String(process.pid), 'root'), { recursive: true })
  execFileSync('mkfifo', [mounts])
  const { verdicts, ran } = verdictsOf(life, proc)
  await until('it runs', () => ran.times === 1)
  const since = performance.now()
  verdicts.send({ type: 'adopt', init: { containerId: 'x', pid: process.pid } })
  await until('another runs', () => life.restarts === 1 && ran.times === 2)
  const tookMs = performance.now() - since
  assert.match(life.troubles.join(), /^verdicts-died: it hangs/)
  assert.ok(tookMs > 3900, `after ${tookMs} ms it might just have had much to do`)
  closeSync(openSync(mounts, 'r+'))
  await verdicts.stop()
})

test('a main thread that is held up longer than it would wait takes nobody for dead', async () => {
  const life: Life = { troubles: [], restarts: 0 }
  const { verdicts, ran } = verdictsOf(life)
  await until('it runs', () => ran.times === 1)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 7000)
  // And nobody who just has nothing to do.
  await sleep(3.5 * TICK_MS)
  assert.deepEqual(life.troubles, [])
  await verdicts.stop()
})

test('a thread of kernel events that dies is told, and another takes its place', async () => {
  const life: Life = { troubles: [], restarts: 0 }
  let ready = 0
  const kernel = keepKernelEvents(
    {
      proc: '/proc',
      changes: -1,
      watchedDirectories: 16,
      onMessage({ type }) {
        if (type === 'ready') ready += 1
      },
    },
    care(life),
  )
  await until('it runs', () => ready === 1)
  kernel.send({ type: 'watch', container: null } as never)
  await until('another runs', () => life.restarts === 1 && ready === 2)
  assert.match(life.troubles.join(), /^kernel-events-died: /)
  await kernel.stop()
})

test('a clock that is set is told, and all is swept', async (t) => {
  mkdirSync(join(folder, 'policy.d'))
  const findings: NewFinding[] = []
  const sensor = startSensor({
    engines: [],
    policies: openPolicyStore(join(folder, 'policy.d'), { mustExist: true }),
    sink: { emit: (finding) => void findings.push(finding) },
    evidence: { keep: () => null },
    exec: 'alert',
    folder,
  })
  await sensor.ready
  const swept = sensor.answers.status().lastSweep?.at
  const now = Date.now
  const set = t.mock.method(Date, 'now', () => now() + 3_600_000)
  await until('it is told', () => findings.some(({ reasons }) => reasons.includes('clock-jump')))
  set.mock.restore()
  await until('it is swept', () => sensor.answers.status().lastSweep?.at !== swept)
  assert.match(
    findings.find(({ reasons }) => reasons.includes('clock-jump'))?.summary ?? '',
    /by 3[56]\d{5} ms/,
  )
  await sensor.stop()
})
