import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestEngine } from '../../test/engine/harness.ts'
import { table } from '../section.ts'
import { cpuNs, memoryMiB, type RunningSensor, startSensorProgram } from './running-sensor.ts'
import { ms } from './statistics.ts'

const WATCHED_MS = 30_000
/** The first half minute of a program is its own: code is compiled, what the start needed is thrown away. */
const WARM_MS = 30_000
const SWEEP_EVERY_S = 300

/** The sensor with nothing to see, by the number of containers, and what one sweep of all of them costs. */
export async function idle(engine: TestEngine, counts: readonly number[]): Promise<string> {
  const names: string[] = []
  const rows: string[][] = []
  for (const count of counts) {
    while (names.length < count) {
      const more = Array.from({ length: Math.min(5, count - names.length) }, (_, n) =>
        engine.run({ name: `idle${names.length + n}`, args: ['--memory', '16m'] }),
      )
      names.push(...(await Promise.all(more)).map(({ name }) => name))
    }
    const sensor = await startSensorProgram({ address: engine.address })
    await sensor.quiet()
    await sleep(WARM_MS)
    const before = cpuNs(sensor.pid)
    await sleep(WATCHED_MS)
    const share = (cpuNs(sensor.pid) - before) / (WATCHED_MS * 1e6)
    const sweep = await sweepCpu(sensor)
    const original = await originalSweep(engine, names)
    const memory = memoryMiB(sensor.pid)
    rows.push([
      String(count),
      `${(share * 100).toFixed(2)} %`,
      `${((share + sweep / (SWEEP_EVERY_S * 1e9)) * 100).toFixed(2)} %`,
      `${Math.round(memory.now)} MiB`,
      ms(sensor.readyMs * 1e6),
      ms(sweep),
      ms(original),
    ])
    await sensor.stop()
  }
  await Promise.all(names.map((name) => engine.cli('rm', '--force', name)))
  const head = [
    'containers',
    'of one core',
    'with a sweep every 5 min (aim < 1 %)',
    'memory (aim < 120 MB)',
    'start until all are watched',
    "one sweep's processor time",
    "the Python original's",
  ]
  return table(head, rows)
}

async function sweepCpu(sensor: RunningSensor): Promise<number> {
  const before = cpuNs(sensor.pid)
  await sensor.ask('sweep', { container: null })
  await sleep(500)
  await sensor.quiet()
  return cpuNs(sensor.pid) - before
}

// What the original did every few minutes: the engine's client for the list and for each directory, then a walk.
const ORIGINAL = `
import os, resource, subprocess
expected = ['.pid', '/cache/', '/log/', '.sock', '/run/', '.lock', '.tmp', '/spool/', '/session', '.journal', '/mail/', '/data/', '/fonts/']
def docker(*args): return subprocess.run(['docker', *args], capture_output=True, text=True, check=True).stdout.split()
found = []
for container in docker('ps', '-q'):
    (upper,) = docker('inspect', '-f', '{{.GraphDriver.Data.UpperDir}}', container)
    for folder, folders, names in os.walk(upper):
        for name in names:
            path = os.path.join(folder, name)
            if not any(each in path for each in expected): found.append(path)
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(sum(one.ru_utime + one.ru_stime for one in used))
`

/** Processor time of the original's sweep, its start and the engine's own work included; nanoseconds. */
async function originalSweep(engine: TestEngine, names: readonly string[]): Promise<number> {
  if (names.length === 0) return 0
  const before = cpuNs(engine.pid)
  const said = execFileSync('python3', ['-c', ORIGINAL], { env: engine.env, encoding: 'utf8' })
  return Promise.resolve(Number(said) * 1e9 + cpuNs(engine.pid) - before)
}
