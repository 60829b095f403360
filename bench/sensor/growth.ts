import { setTimeout as sleep } from 'node:timers/promises'
import type { TestEngine } from '../../test/engine/harness.ts'
import { table } from '../section.ts'
import { work, workloadImage } from './image.ts'
import { cpuNs, memoryMiB, startSensorProgram } from './running-sensor.ts'

const SECONDS = 10
const BESIDE_S = 2
const RATES = [10, 100, 1000, 4000]

/** What the sensor takes by how many files a second are written, expected and not. */
export async function growth(engine: TestEngine): Promise<string> {
  const container = await engine.run({ name: 'growth', image: await workloadImage(engine) })
  const rows: string[][] = []
  for (const rate of RATES) {
    const row = [String(rate)]
    for (const folder of ['/expected/load', '/unexpected-load']) {
      const sensor = await startSensorProgram({ address: engine.address })
      await sensor.quiet()
      const load = work<{ perSecond: number }>(container, 'load', SECONDS + 2 * BESIDE_S, rate, folder)
      // The command that starts it is not what is measured.
      await sleep(BESIDE_S * 1000)
      const before = cpuNs(sensor.pid)
      await sleep(SECONDS * 1000)
      const share = (cpuNs(sensor.pid) - before) / (SECONDS * 1e9)
      const { perSecond } = await load
      row.push(
        String(perSecond),
        `${(share * 100).toFixed(1)} %`,
        `${Math.round(memoryMiB(sensor.pid).peak)} MiB`,
      )
      await sensor.stop()
      await work(container, 'remove', folder)
    }
    rows.push(row)
  }
  await engine.cli('rm', '--force', container.id)
  const [expected, unexpected] = ['expected', 'unexpected'].map((kind) => [
    `${kind}, written a second`,
    'of one core',
    'peak memory',
  ])
  return table(['files a second, wanted', ...(expected ?? []), ...(unexpected ?? [])], rows)
}
