import { testEngine } from '../test/engine/harness.ts'
import { connectEngine } from '../src/engine/connect.ts'
import { auditText } from '../src/audit/report/text.ts'
import { runAudit } from '../src/audit/run.ts'

/*
 * How long an audit takes: `node bench/audit.ts [CONTAINERS]` on a private Docker 20.10, running containers of busybox.
 * The goal: 100 containers in less than two seconds, report included.
 */

const COUNT = Number(process.argv[2] ?? 100)
const ROUNDS = 5

const engine = await testEngine('docker')
for (let index = 0; index < COUNT; index += 10)
  await Promise.all(
    Array.from({ length: Math.min(10, COUNT - index) }, (_, each) =>
      engine.run({ name: `b${index + each}`, args: ['--memory', '16m'] }),
    ),
  )
const times: number[] = []
for (let round = 0; round < ROUNDS; round++) {
  const start = performance.now()
  const report = await runAudit({
    root: '/',
    engine: await connectEngine({ engine: engine.address, env: {} }),
  })
  auditText(report, { colour: false, all: true, comparison: null })
  times.push(performance.now() - start)
}
times.sort((one, other) => one - other)
console.log(
  `${COUNT} running containers: median ${Math.round(times[Math.floor(ROUNDS / 2)] ?? 0)} ms, worst ${Math.round(times.at(-1) ?? 0)} ms, ${Math.round(process.memoryUsage().rss / (1 << 20))} MiB`,
)
