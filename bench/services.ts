import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { freePort, makeHerd } from '../test/engine/herd.ts'
import { testEngine } from '../test/engine/harness.ts'
import { machine, measureAll } from './measure.ts'
import { putSection, table } from './section.ts'

/*
 * node bench/services.ts [SERVICES] [--write]: `paddock up` of one service beside `docker compose up` of the very file that
 * Paddock made, in turns, from nothing running to all of it healthy; then `paddock ps` of many services.
 */

const ROUNDS = 7
const COUNT = Number(process.argv.find((word) => /^\d+$/.test(word)) ?? 50)

execFileSync(process.execPath, ['tools/build.ts'], { stdio: 'ignore' })
const program = join(import.meta.dirname, '../dist/paddock.js')
const engine = await testEngine('docker-bridge')
const herd = makeHerd(engine, 'bench')

function compose(name: string, extra = ''): string {
  return `services:
  ${name}:
    image: paddock-test/busybox
    command: [sleep, '1000000']
    stop_grace_period: 0s
${extra}x-paddock: { healthyWithin: 20s, exec: deny, expect: [/tmp/**] }
`
}

/** @returns how long it took, in ms */
async function run(argv: readonly string[]): Promise<number> {
  const [command = '', ...args] = argv
  const started = performance.now()
  const child = spawn(command, args, { env: herd.env, stdio: ['ignore', 'ignore', 'pipe'] })
  const [[code], said] = await Promise.all([
    once(child, 'close') as Promise<[number | null]>,
    text(child.stderr),
  ])
  if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${String(code)}: ${said}`)
  return performance.now() - started
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN
}

const ms = (value: number) => `${Math.round(value)} ms`
const paddock = (...args: string[]) => [process.execPath, program, ...args]

try {
  herd.service('single', {
    'compose.yaml': compose('single', `    ports: ['127.0.0.1:${await freePort()}:80']\n`),
  })
  await run(paddock('up', 'single'))
  const [model = ''] = globSync(`services/*/single/prod.yaml`, { cwd: herd.state })
  const file = join(herd.state, model)
  const project = /^name: (\S+)$/m.exec(readFileSync(file, 'utf8'))?.[1] ?? ''
  const plain = ['docker', 'compose', '-p', project, '-f', file]
  const up = [...plain, 'up', '--detach', '--wait']
  const down = [...plain, 'down']

  const fresh = { plain: [] as number[], paddock: [] as number[] }
  const again = { plain: [] as number[], paddock: [] as number[] }
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [who, argv] of [['plain', up] as const, ['paddock', paddock('up', 'single')] as const]) {
      await run(down)
      const first = await run(argv)
      const second = await run(argv)
      // The first round fills the kernel's caches.
      if (round === 0) continue
      fresh[who].push(first)
      again[who].push(second)
    }
  }
  await run(down)

  for (let index = 1; index < COUNT; index++)
    herd.service(`s${index}`, { 'compose.yaml': compose(`s${index}`) })
  await run(paddock('up', '--all'))
  const all = await measureAll(
    {
      '`node -e 0`': { argv: [process.execPath, '-e', '0'], env: herd.env },
      '`docker ps`': { argv: ['docker', 'ps'], env: herd.env },
      '`docker compose ls`': { argv: ['docker', 'compose', 'ls'], env: herd.env },
      '`paddock ps`': { argv: paddock('ps'), env: herd.env },
    },
    ROUNDS,
  )

  const share = (times: typeof fresh) => median(times.paddock) - median(times.plain)
  const row = (what: string, times: typeof fresh) => [
    what,
    ms(median(times.plain)),
    ms(median(times.paddock)),
    ms(share(times)),
    '≤ 200 ms',
  ]
  const section = `Machine: ${machine()}.

\`up\` of one service of one container, from the start of the program to its end (medians of ${ROUNDS}, in turns):

${table(
  ['', '`docker compose up --wait`', '`paddock up`', "Paddock's own share", 'aim'],
  [row('nothing runs', fresh), row('it runs already', again)],
)}
The whole herd's state, ${COUNT} services running (medians of ${ROUNDS}):

${table(
  ['command', 'time', 'processor time', 'peak memory', 'aim'],
  [...all].map(([name, { wallMs, cpuMs, peakMiB }]) => [
    name,
    ms(wallMs),
    ms(cpuMs),
    `${Math.round(peakMiB)} MiB`,
    name === '`paddock ps`' ? '≤ 1000 ms' : '',
  ]),
)}`
  console.log(section)
  if (process.argv.includes('--write')) putSection('services', section)
} finally {
  await run(paddock('down', '--all')).catch(() => undefined)
  await herd.remove()
}
