import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SpoolStatus } from '../../../src/protocol/answers.ts'
import type { Finding } from '../../../src/protocol/findings.ts'
import { connectClient } from '../../fixtures/sensor-socket.ts'

export interface LoopOptions {
  /** Ledger, and watch's state; must survive what befalls the state folder. */
  readonly folder: string
  readonly stateDir: string
  readonly perSecond?: number
  readonly spoolMiB?: number
}

/** Sensor and watch, each killed and started again as the story wants. */
export interface Loop {
  startSensor(): Promise<void>
  startWatch(): void
  /** `kill -9`. */
  killSensor(): Promise<void>
  killWatch(): Promise<void>
  /** No more findings; waits until watch has all that is spooled, and counts. */
  settle(): Promise<Count>
}

export interface Count {
  /** Emitted for sure; and those that a kill caught in the act. */
  readonly emitted: number
  readonly uncertain: number
  readonly arrived: number
  /** Arrived more than once. */
  readonly repeated: number
  /** Emitted for sure, and not arrived. */
  readonly missing: number
  /** Numbers that never came, below the highest. */
  readonly gaps: number
  /** What `findings-lost` add up to. */
  readonly reportedLost: number
  /** Kills that the sensor tells of itself, "sensor-died" or "watch-gone", and that did not arrive: lost, or folded. */
  readonly untold: number
  /** Alerts of which no channel was to be told: with each goes a notice into the outbox, in one transaction. */
  readonly untoldAlerts: number
  /** Findings by their reason. */
  readonly reasons: Readonly<Record<string, number>>
}

/** Kills both at random for so long, then counts. */
export async function killAtRandom(loop: Loop, durationMs: number): Promise<Count & { kills: number }> {
  await loop.startSensor()
  loop.startWatch()
  let kills = 0
  const end = performance.now() + durationMs
  while (performance.now() < end) {
    await sleep(100 + Math.random() * 2500)
    const which = Math.random()
    if (which < 0.6) {
      await loop.killSensor()
      kills += 1
    }
    if (which > 0.4) await loop.killWatch()
    if (which < 0.6) await loop.startSensor()
    if (which > 0.4) loop.startWatch()
  }
  return { kills, ...(await loop.settle()) }
}

/** Every finding exactly once, or its loss in the count of what was lost. */
export function assertAccounted(count: Count): void {
  const told = JSON.stringify(count)
  assert.equal(count.repeated, 0, told)
  assert.equal(count.gaps, 0, told)
  assert.equal(count.untoldAlerts, 0, told)
  assert.ok(count.emitted > 0, told)
  assert.ok(count.reportedLost >= count.missing, told)
  assert.ok(count.reportedLost <= count.missing + count.uncertain + count.untold, told)
}

export function makeLoop(options: LoopOptions): Loop {
  const { folder, stateDir, perSecond = 500, spoolMiB = 64 } = options
  const runDir = join(folder, 'run')
  const [ledger, watchDir] = [join(folder, 'ledger'), join(folder, 'watch-state')]
  const [socket, database] = [join(runDir, 'sensor.sock'), join(watchDir, 'watch', 'alerts.db')]
  if (!existsSync(ledger)) writeFileSync(ledger, '')
  // Nobody is there: what waits for it stays in the outbox, to be counted.
  writeFileSync(
    join(folder, 'watch.yaml'),
    "notify: [{ name: nobody, type: webhook, url: 'http://127.0.0.1:9/' }]\n",
  )
  let sensor: ChildProcess | null = null
  let watch: ChildProcess | null = null

  function start(file: string, args: readonly string[]): ChildProcess {
    const env = {
      ...process.env,
      PADDOCK_STATE_DIR: watchDir,
      PADDOCK_RUN_DIR: runDir,
      PADDOCK_CONFIG_DIR: folder,
    }
    return spawn(process.execPath, [join(import.meta.dirname, file), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env,
    })
  }

  let kills = 0
  async function kill(child: ChildProcess | null): Promise<void> {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    kills += 1
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  const loop: Loop = {
    async startSensor() {
      sensor = start('producer.ts', [stateDir, runDir, ledger, String(perSecond), String(spoolMiB)])
      const { stdout } = sensor
      if (stdout) await Promise.race([once(stdout, 'data'), once(sensor, 'exit')])
    },
    startWatch() {
      watch = start('../../../src/bin/watch.ts', ['--listen=127.0.0.1:0'])
      watch.stdout?.resume()
    },
    killSensor: () => kill(sensor),
    killWatch: () => kill(watch),
    async settle() {
      sensor?.kill('SIGUSR2')
      // What is lost is reported within a second of there being room.
      for (let still = 0; still < 4;) {
        await sleep(500)
        const { next, acked, lost } = await spoolStatus(socket)
        still = acked === next - 1 && lost === 0 ? still + 1 : 0
      }
      sensor?.kill('SIGTERM')
      await Promise.all([sensor && once(sensor, 'exit'), kill(watch)])
      return count(readFileSync(ledger, 'latin1'), received(database), kills)
    },
  }
  return loop
}

interface Received {
  readonly number: number
  readonly summary: string
  readonly reason: string
  readonly count: number
}

async function spoolStatus(path: string): Promise<SpoolStatus> {
  const client = await connectClient(path)
  try {
    const answer = await client.ask({ type: 'status' })
    assert.ok(answer.type === 'answer' && answer.to === 'status', JSON.stringify(answer))
    return answer.value.spool
  } finally {
    client.end()
  }
}

/** What watch has in its database of the sensor's: each row as it came over the socket. */
function received(path: string): { rows: Received[]; untoldAlerts: number } {
  const database = new DatabaseSync(path)
  try {
    const untold = database
      .prepare(
        `SELECT count(*) AS n FROM alerts WHERE NOT EXISTS (
           SELECT 1 FROM outbox WHERE outbox.alert = alerts.id AND event = 'opened')`,
      )
      .get()
    const rows = database
      .prepare(
        `SELECT number, line FROM findings JOIN spools ON spools.id = spool
         WHERE name <> 'watch' ORDER BY number`,
      )
      .all()
      .map(({ number, line }) => {
        const { summary, reasons, count } = JSON.parse(String(line)) as Finding
        return { number: Number(number), summary, reason: reasons[0] ?? '', count }
      })
    return { rows, untoldAlerts: Number(untold?.['n']) }
  } finally {
    database.close()
  }
}

function count(
  ledger: string,
  { rows, untoldAlerts }: { readonly rows: readonly Received[]; readonly untoldAlerts: number },
  kills: number,
): Count {
  const begun = new Set(ledger.match(/(?<=\+)\d+(?=\n)/g))
  const emitted = new Set(ledger.match(/(?<==)\d+(?=\n)/g))
  const arrivals = rows.flatMap(({ summary }) => /^#(\d+)$/.exec(summary)?.[1] ?? [])
  const arrived = new Set(arrivals)
  const reasons: Record<string, number> = {}
  for (const { reason } of rows) reasons[reason] = (reasons[reason] ?? 0) + 1
  return {
    emitted: emitted.size,
    uncertain: begun.size - emitted.size,
    arrived: arrived.size,
    repeated: arrivals.length - arrived.size,
    missing: [...emitted].filter((id) => !arrived.has(id)).length,
    gaps: (rows.at(-1)?.number ?? 0) - (rows[0]?.number ?? 1) + 1 - rows.length,
    reportedLost: rows
      .filter(({ reason }) => reason === 'findings-lost')
      .reduce((sum, row) => sum + row.count, 0),
    untold: kills - (reasons['sensor-died'] ?? 0) - (reasons['watch-gone'] ?? 0),
    untoldAlerts,
    reasons,
  }
}
