import { setTimeout as sleep } from 'node:timers/promises'
import type { TestEngine } from '../../test/engine/harness.ts'
import { table } from '../section.ts'
import { work, workloadImage } from './image.ts'
import { cpuNs, memoryMiB, startSensorProgram } from './running-sensor.ts'
import { ms } from './statistics.ts'

const FILES = 100_000
const FOLDERS = FILES / 1000 + 1

/** As many files at once as a container can make: all told by events, or the overflow told and all found by the sweep. */
export async function burst(engine: TestEngine): Promise<string> {
  const image = await workloadImage(engine)
  const container = await engine.run({ name: 'burst', image })
  const sensor = await startSensorProgram({ address: engine.address })
  await sensor.quiet()
  const before = { ...memoryMiB(sensor.pid), cpu: cpuNs(sensor.pid) }
  const started = performance.now()
  const { ns } = await work<{ ns: number }>(container, 'files', FILES, '/unexpected')
  await sensor.quiet()
  const settledMs = performance.now() - started
  const told = sensor.findings.filter(
    ({ finding: { change, path } }) => change !== undefined && path?.path.startsWith('/unexpected') === true,
  )
  const count = told.reduce((sum, { finding }) => sum + finding.count, 0)
  const overflows = sensor.findings.filter(({ finding }) => finding.reasons.includes('queue-overflow'))
  const peak = memoryMiB(sensor.pid).peak
  const cpu = cpuNs(sensor.pid) - before.cpu
  await sensor.ask('sweep', { container: container.id })
  await sleep(1000)
  await sensor.quiet()
  const { items } = await sensor.ask('containers', { offset: 0 })
  const swept = items.find((one) => one.container.id === container.id)?.unexpected ?? 0
  const after = memoryMiB(sensor.pid)
  await sensor.stop()
  await engine.cli('rm', '--force', container.id)
  const rows = [
    ['files and folders made', String(FILES + FOLDERS)],
    ['in', ms(ns)],
    ['told as changed, counts added up', String(count)],
    ['in so many findings', String(told.length)],
    ['findings of an overflow of the queue', String(overflows.length)],
    ['until all was told', ms(settledMs * 1e6)],
    ["the sensor's processor time", ms(cpu)],
    ['unexpected at the sweep afterwards', String(swept)],
    ['memory before, at most, after', `${[before.now, peak, after.now].map(Math.round).join(', ')} MiB`],
  ]
  return table(['one burst', ''], rows)
}
