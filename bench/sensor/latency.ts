import type { Finding } from '../../src/protocol/findings.ts'
import type { TestContainer, TestEngine } from '../../test/engine/harness.ts'
import { table } from '../section.ts'
import { work, workloadImage } from './image.ts'
import { startSensorProgram } from './running-sensor.ts'
import { median, ms, quantile } from './statistics.ts'

const PROBES = 8
const SECONDS = 30
const PER_SECOND = 1000

interface Probed {
  readonly files: Readonly<Record<string, number>>
  readonly programs: Readonly<Record<string, number>>
  /** What CLOCK_MONOTONIC's zero was in the time of the day. */
  readonly epoch: number
}

/** From the close or the exec in a container to the finding's arrival at who receives it in watch's place. */
export async function latency(engine: TestEngine): Promise<string> {
  const image = await workloadImage(engine)
  const run = (name: string) => engine.run({ name, image })
  const loaded = await run('loaded')
  const rows: string[][] = []
  for (const [name, folder] of [
    ['idle', null],
    [`${PER_SECOND} expected files a second beside it`, '/expected'],
    [`${PER_SECOND} unexpected files a second beside it`, '/unexpected'],
  ] as const) {
    // New ones each time: the same state of the same path is told once.
    const probes = await Promise.all(Array.from({ length: PROBES }, (_, at) => run(`${at}-${rows.length}`)))
    const sensor = await startSensorProgram({ address: engine.address })
    const load =
      folder === null ? null : work<{ perSecond: number }>(loaded, 'load', SECONDS + 3, PER_SECOND, folder)
    const probed = await Promise.all(
      probes.map(async (probe) => ({ probe, ...(await work<Probed>(probe, 'probe', SECONDS)) })),
    )
    const rate = load === null ? 0 : (await load).perSecond
    await sensor.quiet()
    for (const what of ['files', 'programs'] as const) {
      const took: number[] = []
      const spooled: number[] = []
      let missed = 0
      for (const one of probed)
        for (const [path, at] of Object.entries(one[what])) {
          const arrived = sensor.findings.find(({ finding }) => isOf(finding, one.probe, path, what))
          if (arrived === undefined) {
            missed++
            continue
          }
          took.push(Number(arrived.atNs) - at)
          spooled.push(Date.parse(arrived.finding.at) * 1e6 - one.epoch - at)
        }
      rows.push([
        `${what === 'files' ? 'close → finding' : 'exec → finding'}, ${name}`,
        String(took.length + missed),
        String(missed),
        `${Math.round(median(spooled) / 1e6)} ms`,
        `${Math.round(quantile(spooled, 0.99) / 1e6)} ms`,
        ms(median(took)),
        ms(quantile(took, 0.99)),
        folder === null ? '' : String(rate),
      ])
    }
    await sensor.stop()
    await Promise.all(probes.map((probe) => engine.cli('rm', '--force', probe.id)))
  }
  await engine.cli('rm', '--force', loaded.id)
  const head = [
    'what',
    'tries',
    'not told one by one',
    'spooled, median (aim ≤ 10 ms)',
    'p99 (aim ≤ 50 ms)',
    'received, median',
    'p99',
    'load a second',
  ]
  return table(head, rows)
}

function isOf(finding: Finding, { id }: TestContainer, path: string, what: 'files' | 'programs'): boolean {
  return (
    finding.container?.id === id &&
    finding.path?.path === path &&
    (what === 'files' ? finding.change : finding.exec) !== undefined
  )
}
