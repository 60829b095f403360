import { parseArgs } from 'node:util'
import { machine } from './measure.ts'
import { putSection } from './section.ts'
import { burst } from './watch/burst.ts'
import { latency } from './watch/latency.ts'
import { million } from './watch/million.ts'
import { buildPrograms } from './watch/process.ts'

/*
 * `node bench/watch.ts [latency|burst|million]… [--samples 15] [--findings 1000000] [--write]`: how soon an alert is told,
 * how fast a burst is stored, and whether the page stays quick. All of `dist/`, as installed; the sensor and the
 * engine are real where the time from the change is measured, and where watch alone is, it is fed over the sensor's
 * own socket. `--write` puts each part's tables into docs/performance.md.
 */

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    samples: { type: 'string', default: '15' },
    findings: { type: 'string', default: '1000000' },
    write: { type: 'boolean', default: false },
  },
})
const samples = Number(values.samples)
const parts: Readonly<Record<string, () => Promise<string>>> = {
  latency: () => latency(samples),
  burst: () => burst(3),
  million: () => million(Number(values.findings), Math.min(samples, 15)),
}

buildPrograms()
for (const [name, part] of Object.entries(parts)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue
  const section = `${await part()}\nMachine: ${machine()}.`
  console.log(section)
  if (values.write) putSection(`watch-${name}`, section)
}
