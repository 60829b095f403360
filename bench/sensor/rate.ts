import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestContainer, TestEngine } from '../../test/engine/harness.ts'
import { table } from '../section.ts'
import { work, workloadImage } from './image.ts'
import { cpuNs, startSensorProgram } from './running-sensor.ts'
import { median, ms } from './statistics.ts'

const FILES = 20_000

interface Run {
  readonly ns: number
  readonly cpuNs: number
  readonly told: number
}

/** The same closes, told by the sensor and by `fatrace`, which prints each and judges none, and cannot watch an overlay: it has a volume. */
export async function rate(engine: TestEngine, rounds: number): Promise<string> {
  const image = await workloadImage(engine)
  const container = await engine.run({ name: 'rate', image, args: ['--volume', '/plain'] })
  const watchers: Readonly<Record<string, () => Promise<Run>>> = {
    nobody: async () => ({ ...(await files(container, '/expected/files')), cpuNs: 0, told: 0 }),
    'nobody, on a volume': async () => ({ ...(await files(container, '/plain/files')), cpuNs: 0, told: 0 }),
    '`fatrace`, writes only, on a volume': () => withFatrace(container),
    'sensor, expected files': () => withSensor(engine, container, '/expected/files'),
    'sensor, unexpected files': () => withSensor(engine, container, '/unexpected'),
  }
  const runs = new Map<string, Run[]>(Object.keys(watchers).map((name) => [name, []]))
  for (let round = 0; round < rounds; round++)
    for (const [name, watch] of Object.entries(watchers)) {
      runs.get(name)?.push(await watch())
      for (const folder of ['/expected/files', '/plain/files', '/unexpected'])
        await work(container, 'remove', folder)
    }
  await engine.cli('rm', '--force', container.id)
  const rows = [...runs].map(([name, all]) => {
    const of = (get: (run: Run) => number) => median(all.map(get))
    const perEvent = of(({ cpuNs: used }) => used) / FILES / 1000
    return [
      name,
      ms(of(({ ns }) => ns)),
      String(Math.round((FILES / of(({ ns }) => ns)) * 1e9)),
      ms(of(({ cpuNs: used }) => used)),
      perEvent === 0 ? '' : `${perEvent.toFixed(0)} µs`,
      name.startsWith('nobody') ? '' : String(of(({ told }) => told)),
    ]
  })
  return table(
    ['watched by', `${FILES} files`, 'files a second', "the watcher's processor time", 'for each', 'told'],
    rows,
  )
}

function files(container: TestContainer, folder: string): Promise<{ ns: number }> {
  return work(container, 'files', FILES, folder)
}

/** In the container's namespaces: it marks mounts, and a container has its own. */
async function withFatrace(container: TestContainer): Promise<Run> {
  const pid = await container.pid()
  const into = ['--mount', '--pid', '--target', String(pid), '--wdns=/plain']
  const child = spawn('nsenter', [...into, 'fatrace', '--current-mount', '--filter=W'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let told = 0
  createInterface(child.stdout).on('line', (line) => {
    if (line.includes('/plain/files/')) told++
  })
  await sleep(1000)
  const fatrace = childOf(child.pid ?? 0)
  const before = cpuNs(fatrace)
  const { ns } = await files(container, '/plain/files')
  await sleep(2000)
  const used = cpuNs(fatrace) - before
  process.kill(fatrace, 'SIGTERM')
  await once(child, 'close')
  return { ns, cpuNs: used, told }
}

/** nsenter forks, for only a child is in the process-id namespace. */
function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim())
}

async function withSensor(engine: TestEngine, container: TestContainer, folder: string): Promise<Run> {
  const sensor = await startSensorProgram({ address: engine.address })
  await sensor.quiet()
  const before = cpuNs(sensor.pid)
  const { ns } = await files(container, folder)
  await sensor.quiet()
  const used = cpuNs(sensor.pid) - before
  // What is folded is told once a second.
  await sleep(1500)
  // Folders among them: which of a burst stands for the others is not to be chosen.
  const told = sensor.findings
    .filter(({ finding }) => finding.change !== undefined)
    .reduce((sum, { finding }) => sum + finding.count, 0)
  await sensor.stop()
  return { ns, cpuNs: used, told }
}
