import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { testEngine } from '../test/engine/harness.ts'
import { type Command, machine, measureAll } from './measure.ts'
import { putSection, table } from './section.ts'

/*
 * `node bench/audit.ts [--containers 100] [--rounds 5] [--write]`: how long the whole command `paddock audit` takes on a
 * private Docker 20.10 with so many running containers of busybox, beside what any audit must ask the engine. The goal:
 * 100 containers in less than two seconds. `--write` puts the table into docs/performance.md.
 */

const { values } = parseArgs({
  options: {
    containers: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '5' },
    write: { type: 'boolean', default: false },
  },
})
const most = Number(values.containers)

const home = mkdtempSync('/var/tmp/paddock-bench-')
process.once('exit', () => {
  rmSync(home, { recursive: true, force: true })
})
execFileSync(process.execPath, ['tools/build.ts'], { stdio: 'ignore' })
const engine = await testEngine('docker')
const program = join(import.meta.dirname, '../dist/paddock.js')
const helpers = [engine.pid]
const node = process.execPath

function audit(...args: string[]): Command {
  return {
    argv: [node, program, 'audit', '--engine', engine.address, ...args],
    env: { PADDOCK_STATE_DIR: home },
    helpers,
    codes: [0, 1],
  }
}

const rows: string[][] = []
let running = 0
for (const count of [...new Set([1, 10, most])]) {
  for (; running < count; running += 10)
    await Promise.all(
      Array.from({ length: Math.min(10, count - running) }, (_, each) =>
        engine.run({ name: `b${running + each}`, args: ['--memory', '16m'] }),
      ),
    )
  running = count
  const inspectAll = `docker -H ${engine.address} inspect $(docker -H ${engine.address} ps -q)`
  const measured = await measureAll(
    {
      '`paddock audit`': audit(),
      '`paddock audit --json`': audit('--json'),
      '`docker inspect` of all containers': { argv: ['sh', '-c', inspectAll], env: engine.env, helpers },
      '`node -e 0`': { argv: [node, '-e', '0'] },
    },
    Number(values.rounds),
  )
  for (const [name, { wallMs, cpuMs, peakMiB }] of measured)
    rows.push([
      String(count),
      name,
      `${Math.round(wallMs)} ms`,
      `${Math.round(cpuMs)} ms`,
      `${Math.round(peakMiB)} MiB`,
    ])
}
const section = `Machine: ${machine()}. Medians of ${values.rounds}.\n\n${table(
  ['running containers', 'command', 'time', 'processor time', 'peak memory'],
  rows,
)}`
console.log(section)
if (values.write) putSection('audit', section)
