import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { testEngine } from '../test/engine/harness.ts'
import { type Command, machine, measureAll, type Measured } from './measure.ts'
import { putSection, table } from './section.ts'

/*
 * `node bench/scan.ts [--rounds 5] [--growth] [--write]`: how fast `paddock scan` is beside what else looks through a
 * container's layer directory, on a real Docker 20.10. Whole commands, start of the program included, in turns.
 * `--growth` measures more containers and more files in its place. `--write` puts the tables into docs/performance.md.
 */

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    files: { type: 'string', default: '200000' },
    growth: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
const files = Number(values.files)
const FOLDERS = 200

const home = mkdtempSync('/var/tmp/paddock-bench-')
process.once('exit', () => {
  rmSync(home, { recursive: true, force: true })
})
execFileSync(process.execPath, ['tools/build.ts'], { stdio: 'ignore' })
const engine = await testEngine('docker')
const node = process.execPath
// Python itself: where `python3` is a script of pyenv, that script would be measured too.
const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], {
  encoding: 'utf8',
}).trim()
const program = join(import.meta.dirname, '../dist/paddock.js')

let policyFiles = 0

function paddock(policy: readonly string[], ...args: string[]): Command {
  const file = join(home, `${policyFiles++}.yaml`)
  const rules = policy.map((glob) => `  - ${JSON.stringify(glob)}\n`).join('')
  writeFileSync(file, `match: { container: "*" }\nexpect:${policy.length === 0 ? ' []\n' : `\n${rules}`}`)
  const argv = [node, program, 'scan', ...args, '--engine', engine.address, '--policy', file]
  return { argv, env: { PADDOCK_STATE_DIR: home }, codes: [0, 1] }
}

// The list of the original scanner had substrings of this kind.
const SUBSTRINGS = [
  '.pid',
  '/cache/',
  '/log/',
  '.sock',
  '/run/',
  '.lock',
  '.tmp',
  '/spool/',
  '/session',
  '.journal',
  '/mail/',
  '/data/',
  '/fonts/',
] as const
const WALK = `
import os, sys
expected = ${JSON.stringify(SUBSTRINGS)}
found = []
for folder, folders, names in os.walk(sys.argv[1]):
    for name in names:
        path = os.path.join(folder, name)
        if not any(each in path for each in expected):
            found.append(path)
print(len(found))
`

/** A container that has made this many files itself. */
async function filled(): Promise<{ name: string; upper: string }> {
  const container = await engine.run({ name: 'filled' })
  const each = Math.ceil(files / FOLDERS)
  await container.exec(
    'sh',
    '-c',
    `d=0; while [ $d -lt ${FOLDERS} ]; do mkdir -p /data/$d; f=0
     while [ $f -lt ${each} ]; do echo > /data/$d/file-$f.dat; f=$((f+1)); done; d=$((d+1)); done`,
  )
  const upper = await engine.cli('inspect', '-f', '{{.GraphDriver.Data.UpperDir}}', container.id)
  return { name: container.name, upper }
}

async function directory(): Promise<string> {
  const { name, upper } = await filled()
  const docker = engine.env
  const measured = await measureAll(
    {
      'docker diff': { argv: ['docker', 'diff', name], env: docker, helpers: [engine.pid] },
      'Python `os.walk`, 13 substrings': { argv: [python, '-c', WALK, upper] },
      '`find -name`': { argv: ['find', upper, '-name', '*.pid'] },
      '`find -printf` (with `stat`)': {
        argv: ['find', upper, '-printf', String.raw`%y %m %U %G %s %T@ %p\n`],
      },
      'Paddock, all expected, by folder': paddock(['/data/**', '/data'], name, '--json'),
      'Paddock, all expected, by 13 globs of names': paddock(
        ['/data', '/data/*', ...Array.from({ length: 10 }, (_, digit) => `**/*${digit}.dat`), '**/*.pid'],
        name,
        '--json',
      ),
      'Paddock, all unexpected': paddock([], name, '--json'),
      '`node -e 0`': { argv: [node, '-e', '0'] },
      '`paddock --version`': { argv: [node, program, '--version'] },
    },
    rounds,
  )
  const of = (name: string): Measured => measured.get(name) ?? { wallMs: NaN, cpuMs: NaN, peakMiB: NaN }
  const ratio = (one: string, other: string, aim: string) => {
    const [left, right] = [of(one), of(other)]
    return [`${one} : ${other}`, times(left.wallMs / right.wallMs), times(left.cpuMs / right.cpuMs), aim]
  }
  const expected = 'Paddock, all expected, by folder'
  const byName = 'Paddock, all expected, by 13 globs of names'
  const find = '`find -name`'
  return [
    `One layer directory of ${files.toLocaleString('en')} files, made by a container of a real Docker 20.10 (medians of ${rounds}):\n`,
    table(
      ['command', 'time', 'processor time', 'peak memory'],
      [...measured].map(([name, { wallMs, cpuMs, peakMiB }]) => [
        name,
        seconds(wallMs),
        seconds(cpuMs),
        name === 'docker diff' ? '(in the daemon)' : `${Math.round(peakMiB)} MiB`,
      ]),
    ),
    '\n',
    table(
      ['ratio', 'of time', 'of processor time', 'aim'],
      [
        ratio(expected, find, '≤ 1.5'),
        ratio(byName, find, '≤ 1.5'),
        ratio('Python `os.walk`, 13 substrings', expected, '≥ 5'),
        ratio('docker diff', expected, '≥ 25'),
        ratio('Paddock, all unexpected', '`find -printf` (with `stat`)', '≤ 1.5'),
        ratio('`paddock --version`', '`node -e 0`', '≤ 1.5'),
      ],
    ),
  ].join('')
}

async function containers(counts: readonly number[]): Promise<string> {
  const names: string[] = []
  const rows: string[][] = []
  for (const count of counts) {
    while (names.length < count) {
      const more = Array.from({ length: Math.min(5, count - names.length) }, (_, n) =>
        engine.run({ name: `idle${names.length + n}`, args: ['--memory', '16m'] }),
      )
      names.push(...(await Promise.all(more)).map(({ name }) => name))
    }
    const measured = await measureAll(
      { scan: paddock(['/none'], ...names), node: { argv: [node, '-e', '0'] } },
      rounds,
    )
    const [scan, start] = [measured.get('scan'), measured.get('node')]
    if (scan === undefined || start === undefined) continue
    const aim = count === 10 ? '≤ 250 ms' : ''
    rows.push([
      String(count),
      seconds(scan.wallMs),
      seconds(scan.cpuMs),
      `${Math.round(scan.wallMs - start.wallMs)} ms`,
      `${Math.round(scan.cpuMs - start.cpuMs)} ms`,
      aim,
    ])
  }
  const head = ['idle containers', 'time', 'processor time', 'over `node -e 0`', 'in processor time', 'aim']
  return `\`paddock scan\` of idle containers:\n\n${table(head, rows)}`
}

/** Files put into the layer directory of a container that never ran, by the host: a million is too slow from inside. */
async function growth(sizes: readonly number[]): Promise<string> {
  const rows: string[][] = []
  for (const size of sizes) {
    const name = `${engine.prefix}grown${size}`
    const id = await engine.cli('create', '--name', name, 'paddock-test/busybox:latest', 'true')
    const upper = await engine.cli('inspect', '-f', '{{.GraphDriver.Data.UpperDir}}', id)
    execFileSync('python3', ['-c', FILL, upper, String(size)])
    const measured = await measureAll(
      {
        expected: paddock(['/data/**', '/data'], name, '--json'),
        unexpected: paddock([], name, '--json'),
      },
      rounds,
    )
    const [expected, unexpected] = [measured.get('expected'), measured.get('unexpected')]
    if (expected === undefined || unexpected === undefined) continue
    rows.push([
      size.toLocaleString('en'),
      ...[expected, unexpected].flatMap(({ wallMs, cpuMs, peakMiB }) => [
        seconds(wallMs),
        seconds(cpuMs),
        `${Math.round(peakMiB)} MiB`,
      ]),
    ])
  }
  const head = ['files', 'all expected', 'processor', 'peak', 'all unexpected', 'processor', 'peak']
  return `Growth of one layer directory:\n\n${table(head, rows)}`
}

const FILL = `
import os, sys
root, size = sys.argv[1] + "/data", int(sys.argv[2])
os.mkdir(root)
for number in range(size):
    if number % 1000 == 0: os.mkdir(f"{root}/{number // 1000}")
    os.close(os.open(f"{root}/{number // 1000}/file-{number}.dat", os.O_CREAT | os.O_WRONLY, 0o644))
`

function seconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`
}

function times(ratio: number): string {
  return ratio.toFixed(ratio < 10 ? 2 : 0)
}

const name = values.growth ? 'scan-growth' : 'scan'
const parts = values.growth
  ? [await containers([1, 10, 100]), await growth([1000, 10_000, 100_000, 1_000_000])]
  : [await directory(), await containers([1, 10])]
const section = [`Machine: ${machine()}.`, ...parts].join('\n\n')
console.log(section)
if (values.write) putSection(name, section)
