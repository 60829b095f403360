import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openPolicyStore } from '../../src/policy/store.ts'
import type { NewFinding } from '../../src/sensor/ports.ts'
import { startSensor } from '../../src/sensor/sensor.ts'
import { keepKernelEvents, keepVerdicts } from '../../src/sensor/threads.ts'

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

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries > 600) throw new Error(`it never came that ${what}`)
    await sleep(50)
  }
}

test('a thread of verdicts that dies is told, and another takes its place', async () => {
  const life: Life = { troubles: [], restarts: 0 }
  let ready = 0
  let pongs = 0
  const verdicts = keepVerdicts(
    {
      proc: '/proc',
      changes: -1,
      defaultPolicy: { mode: 'alert', execAllow: [] },
      onMessage({ type }) {
        if (type === 'ready') ready += 1
        if (type === 'pong') pongs += 1
      },
    },
    care(life),
  )
  await until('it answers', () => ready === 1 && pongs > 0)
  verdicts.send({ type: 'no such message' } as never)
  await until('another runs', () => life.restarts === 1 && ready === 2)
  assert.match(life.troubles.join(), /^verdicts-died: /)
  const before = pongs
  await until('it answers', () => pongs > before)
  await verdicts.stop()
  assert.equal(life.troubles.length, 1, 'a stop is no death')
})

test('a main thread that is held up longer than it would wait takes nobody for dead', async () => {
  const life: Life = { troubles: [], restarts: 0 }
  let pongs = 0
  const verdicts = keepVerdicts(
    {
      proc: '/proc',
      changes: -1,
      defaultPolicy: { mode: 'alert', execAllow: [] },
      onMessage({ type }) {
        if (type === 'pong') pongs += 1
      },
    },
    care(life),
  )
  await until('it answers', () => pongs > 0)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 7000)
  await sleep(1200)
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
