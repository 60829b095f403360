import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { testEngine } from '../test/engine/harness.ts'
import { machine } from './measure.ts'
import { putSection } from './section.ts'
import { burst } from './sensor/burst.ts'
import { cost } from './sensor/cost.ts'
import { growth } from './sensor/growth.ts'
import { idle } from './sensor/idle.ts'
import { latency } from './sensor/latency.ts'
import { life } from './sensor/life.ts'
import { rate } from './sensor/rate.ts'

/*
 * `node bench/sensor.ts [--only latency] [--rounds 5] [--write]`: how soon the published sensor tells, and what it costs those it
 * looks after, on a real Docker 20.10, with and without it in the same run. `--write` puts the tables into docs/performance.md.
 */

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    rounds: { type: 'string', default: '5' },
    write: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
const engine = await testEngine('docker')

const parts: Readonly<Record<string, () => Promise<string>>> = {
  latency: () => latency(engine),
  cost: () => cost(engine, rounds),
  rate: () => rate(engine, rounds),
  growth: () => growth(engine),
  burst: () => burst(engine),
  life: () => life(engine),
  idle: () => idle(engine, [1, 10, 50, 100]),
}

execFileSync(process.execPath, ['tools/build.ts'], { stdio: 'ignore' })
for (const [name, measure] of Object.entries(parts)) {
  if (values.only?.includes(name) === false) continue
  const text = `${await measure()}\nMachine: ${machine()}.`
  console.log(`${name}:\n${text}`)
  if (values.write) putSection(`sensor-${name}`, text)
}
