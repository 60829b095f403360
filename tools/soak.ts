import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { testEngine } from '../test/engine/harness.ts'
import { startWatchCommand } from '../test/fixtures/running-watch.ts'
import { assertAccounted, killAtRandom, makeLoop } from '../test/root/kill-loop/kill-loop.ts'

/*
 * `npm run soak [-- MINUTES [PART…]]`: what the tests do in seconds, for long. Sensor and watch are killed at random and every
 * finding counted; containers come and go and the memory of both is looked at; the attacks on verdicts with 1,000
 * tries each, real software with 50 restarts, a burst of 100,000 files; learnt services go on at their work for an hour. Ends with 1
 * when something does not hold.
 */

const [given = '10', ...chosen] = process.argv.slice(2)
const minutes = Number(given)
const RSS_GROWTH_MAX_MIB = 16
const FILES = 200

async function killLoop(): Promise<void> {
  const folder = mkdtempSync('/var/tmp/paddock-soak-')
  const loop = makeLoop({ folder, stateDir: join(folder, 'state'), perSecond: 100 })
  const count = await killAtRandom(loop, minutes * 60_000)
  console.log('kill loop:', JSON.stringify(count))
  assertAccounted(count)
  if (count.missing > 0) throw new Error(`${count.missing} findings never arrived`)
  rmSync(folder, { recursive: true })
}

/** Containers that start, write, run what they wrote, and go. */
async function churn(): Promise<void> {
  const engine = await testEngine('docker')
  const cleanUps: (() => Promise<void>)[] = []
  const watch = await startWatchCommand(['--engine', engine.address], (act) => void cleanUps.push(act))
  const story = `for i in $(seq ${FILES}); do echo $i > /tmp/$i; done; cp /bin/busybox /tmp/busybox.x; /tmp/busybox.x true`
  const samples: { minute: number; rounds: number; sensor: number; watch: number; findings: number }[] = []
  const started = performance.now()
  try {
    for (let rounds = 1; performance.now() - started < minutes * 60_000; rounds += 1) {
      await engine.cli('run', '--rm', '--network', 'none', 'paddock-test/busybox', 'sh', '-c', story)
      if (rounds % 5 > 0) continue
      samples.push({
        minute: Math.round((performance.now() - started) / 6000) / 10,
        rounds,
        sensor: residentMiB(watch.pidOf('sensor')),
        watch: residentMiB(watch.pidOf('watch')),
        findings: watch.findings.length,
      })
    }
  } finally {
    for (const act of cleanUps) await act()
  }
  console.table(samples)
  for (const name of ['sensor', 'watch'] as const) {
    const values = samples.map((sample) => sample[name])
    const early = median(values.slice(values.length >> 2, values.length >> 1))
    const late = median(values.slice((values.length * 3) >> 2))
    console.log(`${name}: ${early} MiB in the second quarter, ${late} MiB in the last`)
    if (!(late - early <= RSS_GROWTH_MAX_MIB)) throw new Error(`${name} grows`)
  }
}

async function attacks(): Promise<void> {
  await runTests('test/attacks/deny.test.ts', { PADDOCK_ATTACK_TRIES: '1000' })
  await runTests('test/engine/sensor-real.test.ts', { PADDOCK_RESTARTS: '50' })
  await runTests('test/engine/sensor-trouble.test.ts', { PADDOCK_BURST: '100000' })
}

/** nginx, redis and postgres, learnt and then an hour at the same work, side by side: each on an engine of its own. */
async function learnt(): Promise<void> {
  const hour = { PADDOCK_LEARN_WORK_SECONDS: '3600' }
  const outcomes = await Promise.allSettled(
    ['nginx', 'redis', 'postgres'].map((name) =>
      run(['tools/test.ts', `--test-name-pattern=^${name}:`, 'test/engine/learn.test.ts'], hour),
    ),
  )
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}

async function runTests(file: string, settings: Readonly<Record<string, string>>): Promise<void> {
  await run(['--test', file], settings)
}

async function run(args: readonly string[], settings: Readonly<Record<string, string>>): Promise<void> {
  const env = { ...process.env, ...settings }
  const runner = spawn(process.execPath, args, { env, stdio: 'inherit' })
  const [code] = (await once(runner, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`${args.join(' ')} failed`)
}

function residentMiB(pid: number | null): number {
  const status = pid === null ? '' : readFileSync(`/proc/${pid}/status`, 'latin1')
  return Math.round(Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) / 1024)
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}

const parts = [killLoop, churn, attacks, learnt]
const names = parts.map(({ name }) => name)
const unknown = chosen.find((name) => !names.includes(name))
if (unknown !== undefined || !(minutes > 0)) {
  console.error(`usage: npm run soak [-- MINUTES [${names.join(' | ')}]…]`)
  process.exit(2)
}
for (const part of parts) {
  if (chosen.length > 0 && !chosen.includes(part.name)) continue
  console.log(`soak: ${part.name}`)
  try {
    await part()
  } catch (error) {
    console.error(`soak: ${part.name} failed:`, error)
    process.exitCode = 1
  }
  await sleep(1000)
}
