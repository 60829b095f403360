import type { TestContainer, TestEngine } from '../../test/engine/harness.ts'
import { table } from '../section.ts'
import { buildFloor, type Floor, type FloorKind } from './floor.ts'
import { work, workloadImage } from './image.ts'
import { type RunningSensor, startSensorProgram } from './running-sensor.ts'
import { median, ms, percent, quantile } from './statistics.ts'

interface Workload {
  readonly title: string
  readonly args: readonly (string | number)[]
  /** A folder of it, removed after each run. */
  readonly folder?: string
  readonly aim: string
}

const PROGRAMS = 2000
const WARM_PROGRAMS = 4000

const workloads: readonly Workload[] = [
  { title: '2,000 × `/bin/true` in a shell, under `deny`', args: ['loop_true', PROGRAMS], aim: '≤ 3 %' },
  { title: 'nginx: 10,000 requests, 8 clients', args: ['nginx', 10_000], aim: '≤ 5 %' },
  { title: 'redis: 50,000 SET, 50,000 GET, 8 clients', args: ['redis', 50_000], aim: '≤ 5 %' },
  {
    title: '20,000 small files that are expected',
    args: ['files', 20_000, '/expected/files'],
    folder: '/expected/files',
    aim: '≤ 5 %',
  },
  {
    title: '20,000 small files that are not expected',
    args: ['files', 20_000, '/unexpected'],
    folder: '/unexpected',
    aim: '≤ 5 %',
  },
  { title: '512 MiB written to one file', args: ['sequential', 512], aim: 'no change' },
]

const floors: Readonly<Record<string, readonly FloorKind[]>> = {
  'that looks at the stack and answers': ['answer'],
  'that hears of each start': ['hear'],
  'and both': ['answer', 'hear'],
}

/**
 * Each workload without, with, and without the sensor again, in turns: the first and the last tell how much the machine itself
 * changes from run to run.
 */
export async function cost(engine: TestEngine, rounds: number): Promise<string> {
  const image = await workloadImage(engine)
  const container = await engine.run({ name: 'worker', image, labels: { 'paddock.exec': 'deny' } })
  await work(container, 'serve')
  await pass(container, null)
  const times = new Map(
    workloads.map(({ title }) => [title, { without: [] as number[], with: [] as number[] }]),
  )
  const ratios = new Map(
    workloads.map(({ title }) => [title, { sensor: [] as number[], noise: [] as number[] }]),
  )
  const denied: number[] = []
  const floor = await buildFloor(container)
  const floorRatios = new Map<string, number[]>(Object.keys(floors).map((title) => [title, []]))
  for (let round = 0; round < rounds; round++) {
    const first = await pass(container, null)
    for (const [title, kinds] of Object.entries(floors))
      floorRatios.get(title)?.push(await ratioBeside(container, floor, kinds))
    const sensor = await startSensorProgram({ address: engine.address })
    // A sensor runs for months: its code is compiled by then, and what it costs before that is not what it costs.
    await work(container, 'loop_true', WARM_PROGRAMS)
    const between = await pass(container, sensor)
    denied.push(...(await work<{ ns: number[] }>(container, 'denied', 100)).ns)
    await sensor.stop()
    const last = await pass(container, null)
    for (const { title } of workloads) {
      const [one, other, more] = [first, last, between].map((all) => all.get(title) ?? Number.NaN)
      if (one === undefined || other === undefined || more === undefined) continue
      times.get(title)?.without.push(one, other)
      times.get(title)?.with.push(more)
      ratios.get(title)?.sensor.push(more / ((one + other) / 2))
      ratios.get(title)?.noise.push(other / one)
    }
  }
  const rows = workloads.map(({ title, aim }) => [
    title,
    ms(median(times.get(title)?.without ?? [])),
    ms(median(times.get(title)?.with ?? [])),
    percent(median(ratios.get(title)?.sensor ?? [])),
    aim,
    percent(median(ratios.get(title)?.noise ?? [])),
  ])
  floor.remove()
  await engine.cli('rm', '--force', container.id)
  const least = [...floorRatios].map(([title, ratios]) => `${title} ${percent(median(ratios))}`).join(', ')
  return [
    table(['workload', 'without', 'with the sensor', 'cost', 'aim', 'second run without : first'], rows),
    `\nThe same loop of \`/bin/true\` beside a C program (\`bench/sensor/floor.c\`) ${least}.\n`,
    `\nA dropped program is denied after ${ms(median(denied))} at the median, p99 ${ms(quantile(denied, 0.99))} (${denied.length} tries; aim ≤ 2 ms at the median).\n`,
  ].join('')
}

/** Of a loop of programs to the same before and after it. */
async function ratioBeside(
  container: TestContainer,
  floor: Floor,
  kinds: readonly FloorKind[],
): Promise<number> {
  const loop = async (): Promise<number> => (await work<{ ns: number }>(container, 'loop_true', PROGRAMS)).ns
  const before = await loop()
  const beside = await floor.beside(kinds, loop)
  return beside / ((before + (await loop())) / 2)
}

async function pass(container: TestContainer, sensor: RunningSensor | null): Promise<Map<string, number>> {
  const took = new Map<string, number>()
  for (const { title, args, folder } of workloads) {
    await sensor?.quiet()
    const [name, ...rest] = args
    took.set(title, (await work<{ ns: number }>(container, String(name), ...rest)).ns)
    if (folder === undefined) continue
    await sensor?.quiet()
    await work(container, 'remove', folder)
  }
  return took
}
