import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openEngine } from '../src/engine/client.ts'
import type { EngineReader } from '../src/engine/reader.ts'
import { type EngineWriter, openWriter } from '../src/engine/writer.ts'
import { harden, type HardenResult } from '../src/harden/harden.ts'
import { takeIn } from '../src/harden/image-stream.ts'
import { testImage } from '../src/harden/test-image.ts'
import { type EngineName, type TestEngine, testEngine } from '../test/engine/harness.ts'
import { beyondCommand, buildReal, type RealImage, realImages } from '../test/engine/real-images.ts'
import { machine, measureAll, type Measured } from './measure.ts'
import { putSection, table } from './section.ts'

/*
 * `node bench/harden.ts [--only nginx,redis] [--rounds 3] [--write]`: real services on Debian 12 hardened by rules and by a
 * traced run; each result must then do more than the traced run did. Whole commands are measured, as installed.
 * `--rounds 0` measures no time; `--rows FILE` takes up the rows of earlier parts from there, and leaves its own beside them: the whole takes long.
 * `--engines docker-userns,docker-containerd,podman`: whether that holds on other engines too, without measuring.
 */

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(realImages).join(',') },
    rounds: { type: 'string', default: '3' },
    engines: { type: 'string', default: '' },
    rows: { type: 'string', default: '' },
    write: { type: 'boolean', default: false },
  },
})

const program = join(import.meta.dirname, '../dist/paddock.js')
execFileSync(process.execPath, ['tools/build.ts'], { stdio: 'ignore' })
const signal = new AbortController().signal

if (values.engines !== '') await checkEngines(values.engines.split(','))
else await measure()

/** The same on other engines: whether all of it holds there too. */
async function checkEngines(names: readonly string[]): Promise<void> {
  const rows: string[][] = []
  for (const engineName of names) {
    const place = await openPlace(engineName as EngineName)
    for (const [name, real] of chosen()) {
      const image = await buildReal(place.engine, name)
      const [rules, traced] = [
        await hardened(place, image, real, 'rules', []),
        await hardened(place, image, real, 'trace', []),
      ]
      const size = ({ result }: typeof rules) => `${(result.after.sizeBytes / 1e6).toFixed(2)} MB`
      rows.push([engineName, name, size(rules), rules.beyond, size(traced), traced.beyond])
      console.error(rows.at(-1)?.join(' | '))
    }
  }
  const columns = ['engine', 'image', 'by rules', 'test beyond', 'by trace', 'test beyond the traced one']
  finish('harden-engines', `Machine: ${machine()}.\n\n${table(columns, rows)}`)
}

async function measure(): Promise<void> {
  const place = await openPlace('docker')
  const { engine } = place
  const { byRules, byTrace, costs } = earlierRows()
  for (const [name, real] of chosen()) {
    const image = await buildReal(engine, name)
    console.error(`${name} …`)
    const rules = await hardened(place, image, real, 'rules', [])
    byRules.push([name, ...figures(rules.result), rules.beyond])
    const traced = await hardened(place, image, real, 'trace', [])
    byTrace.push([name, '', ...figures(traced.result), traced.beyond])
    const bare = await hardened(place, image, real, 'trace', ['time-zones'])
    byTrace.push([name, '--without time-zones', ...figures(bare.result), bare.beyond])
    if (real.peer !== null) {
      const { sizeMB, entries, programs } = real.peer
      byTrace.push([
        name,
        'peer',
        `${sizeMB} MB`,
        String(entries),
        programs === null ? '' : String(programs),
        '',
        '',
        '',
      ])
    }
    const common = ['harden', image, '-t', `${image}-m`, '--engine', engine.address]
    const command = (...more: string[]) => ({
      argv: [process.execPath, program, ...common, ...more],
      env: engine.env,
    })
    const commands = {
      rules: command(),
      'rules, tested': command('--test', real.test),
      trace: command('--trace', '--test', real.test),
    }
    if (values.rounds === '0') continue
    for (const [depth, cost] of await measureAll(commands, Number(values.rounds)))
      costs.push([name, depth, ...costOf(cost)])
  }
  if (values.rows !== '') writeFileSync(values.rows, JSON.stringify({ byRules, byTrace, costs }))
  const columns = [
    'size',
    'entries',
    'programs',
    'setuid',
    'writable by everybody',
    'test beyond the traced one',
  ]
  finish(
    'harden',
    `Machine: ${machine()}.

By rules:

${table(['image', ...columns], byRules)}
By a traced run, whose test is short (one page, one query):

${table(['image', '', ...columns], byTrace)}
What it costs, whole commands (medians of ${values.rounds}):

${table(['image', 'command', 'time', 'processor time', 'peak memory'], costs)}`,
  )
}

/** What earlier parts of the same run measured. */
function earlierRows(): Record<'byRules' | 'byTrace' | 'costs', string[][]> {
  if (values.rows === '' || !existsSync(values.rows)) return { byRules: [], byTrace: [], costs: [] }
  return JSON.parse(readFileSync(values.rows, 'utf8')) as ReturnType<typeof earlierRows>
}

function chosen(): [string, RealImage][] {
  const wanted = values.only.split(',')
  return Object.entries(realImages).filter(([name]) => wanted.includes(name))
}

function finish(name: string, section: string): void {
  if (values.write) putSection(name, section)
  console.log(section)
}

interface Place {
  readonly engine: TestEngine
  readonly reader: EngineReader
  readonly writer: EngineWriter
}

async function openPlace(name: EngineName): Promise<Place> {
  const engine = await testEngine(name)
  const reader = await openEngine(engine.address.slice('unix://'.length))
  return { engine, reader, writer: await openWriter(reader, signal) }
}

async function hardened(
  { reader, writer }: Place,
  image: string,
  real: RealImage,
  depth: 'rules' | 'trace',
  without: readonly string[],
) {
  const tag = `${image}-${depth}${without.length}`
  const test = { commands: [real.test], folder: '/', env: [] }
  const options = { image, tag, keep: [], without, with: [], trace: depth === 'trace', test, signal }
  const result = await harden(reader, options)
  if (!result.ok) return { result, beyond: `FAILED: ${JSON.stringify(result.test)}` }
  const { config, close } = await takeIn(writer.saveImages([tag]))
  close()
  const zones = without.length === 0
  const more = { commands: [beyondCommand(real, zones)], folder: '/', env: zones ? ['TZ=Asia/Tokyo'] : [] }
  const run = await testImage({ engine: reader, writer, signal }, tag, config, more, false)
  const stop = run.steps.find(({ what }) => what === 'stop')
  const failed = run.steps.filter(({ ok }) => !ok).map(({ said }) => said.replaceAll('\n', ' '))
  if (stop?.said !== 'exit code 0') failed.push(`stop: ${stop?.said ?? 'none'}`)
  return {
    result,
    beyond: failed.length === 0 ? (zones ? 'passed' : 'passed, zones left out') : failed.join('; '),
  }
}

function figures({ before, after }: HardenResult): string[] {
  const MB = (bytes: number) => `${(bytes / 1e6).toFixed(2)} MB`
  return [
    `${MB(before.sizeBytes)} → ${MB(after.sizeBytes)}`,
    `${before.entries} → ${after.entries}`,
    `${before.programs} → ${after.programs}`,
    `${before.setuid} → ${after.setuid}`,
    `${before.worldWritable} → ${after.worldWritable} (${after.worldWritableFiles} files)`,
  ]
}

function costOf({ wallMs, cpuMs, peakMiB }: Measured): string[] {
  return [`${(wallMs / 1000).toFixed(1)} s`, `${(cpuMs / 1000).toFixed(1)} s`, `${Math.round(peakMiB)} MiB`]
}
