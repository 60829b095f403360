import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestEngine } from '../../test/engine/harness.ts'
import { table } from '../section.ts'
import { work, workloadImage } from './image.ts'
import { median, ms } from './statistics.ts'

const DEATHS = 5
/** A life of ten seconds is a good one to the supervisor, and the next begins at once. */
const LIFE_MS = 11_000

/** The published `paddock watch`, its sensor killed again and again: until the next denies, and is ready. */
export async function life(engine: TestEngine): Promise<string> {
  const image = await workloadImage(engine)
  const container = await engine.run({ name: 'life', image, labels: { 'paddock.exec': 'deny' } })
  const watch = await startWatch(engine.address)
  const lives = { started: [] as number[], denies: [] as number[], ready: [] as number[] }
  for (let death = 0; death < DEATHS; death++) {
    await sleep(LIFE_MS)
    const tries = work<{ tries: [number, number][] }>(container, 'gap', 6)
    await sleep(1500)
    const killedAt = Number(process.hrtime.bigint())
    const before = watch.sensor()
    process.kill(before, 'SIGKILL')
    while (watch.sensor() === before || watch.sensor() === 0) await sleep(1)
    lives.started.push(Number(process.hrtime.bigint()) - killedAt)
    const readyAt = await watch.ready(death + 2)
    lives.ready.push(readyAt - killedAt)
    const ran = (await tries).tries.filter(([at, failed]) => failed === 0 && at > killedAt)
    lives.denies.push((ran.at(-1)?.[0] ?? killedAt) - killedAt)
  }
  await watch.stop()
  await engine.cli('rm', '--force', container.id)
  const rows = [
    ['the next one is started', lives.started],
    ['the last dropped program ran', lives.denies],
    ['all is marked and swept, and the self-test was made', lives.ready],
  ] as const
  return table(
    [`after \`kill -9\` of the sensor (${DEATHS} times)`, 'median', 'longest'],
    rows.map(([what, took]) => [what, ms(median(took)), ms(Math.max(...took))]),
  )
}

async function startWatch(address: string) {
  const folder = mkdtempSync('/var/tmp/paddock-bench-watch-')
  chmodSync(folder, 0o755)
  const at = (name: string) => join(folder, name)
  mkdirSync(at('config'))
  const env = {
    ...process.env,
    PADDOCK_STATE_DIR: at('state'),
    PADDOCK_RUN_DIR: at('run'),
    PADDOCK_CONFIG_DIR: at('config'),
  }
  const program = join(import.meta.dirname, '../../dist/paddock.js')
  const child = spawn(
    process.execPath,
    [program, 'watch', '--json', '--listen=127.0.0.1:0', `--engine=${address}`],
    {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  const readyAt: number[] = []
  createInterface(child.stderr).on('line', (line) => {
    if (line.includes('paddock-sensor: ready')) readyAt.push(Number(process.hrtime.bigint()))
  })
  const watch = {
    sensor: () => childOf(child.pid ?? 0, 'sensor.js'),
    async ready(times: number): Promise<number> {
      for (let tries = 0; tries < 6000; tries++) {
        const time = readyAt[times - 1]
        if (time !== undefined) return time
        await sleep(10)
      }
      throw new Error('the sensor did not get ready')
    },
    async stop() {
      child.kill('SIGTERM')
      await once(child, 'close')
      rmSync(folder, { recursive: true, force: true })
    },
  }
  await watch.ready(1)
  return watch
}

function childOf(parent: number, program: string): number {
  for (const thread of readdirSync(`/proc/${parent}/task`)) {
    const children = readFileSync(`/proc/${parent}/task/${thread}/children`, 'latin1')
      .split(' ')
      .filter(Boolean)
    for (const pid of children) {
      try {
        if (readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(program)) return Number(pid)
      } catch {
        // It ended.
      }
    }
  }
  return 0
}
