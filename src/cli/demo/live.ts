import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { UserError } from '../../lib/errors.ts'
import type { Finding } from '../../protocol/findings.ts'
import { followFindings } from '../../watch/follow-findings.ts'
import { SENSOR_SOCKET } from '../../watch/start.ts'
import type { Stage } from './stage.ts'

/** `paddock watch`, running, its lines printed as they come, and what it found. */
export interface Live {
  /** Of the page. */
  readonly address: string
  /** Waits for a finding of those that came since `from`; null where none came in time. */
  find(from: number, matches: (finding: Finding) => boolean): Promise<Finding | null>
  /** How many findings came so far. */
  count(): number
  /** Waits until nothing came for a while. */
  quiet(): Promise<void>
  end(): Promise<void>
}

const WAIT_MS = 15_000
const QUIET_MS = 700

export async function startWatch(stage: Stage, address: string): Promise<Live> {
  const { io } = stage
  io.stdout.write(`$ paddock watch --exec deny --no-audit --listen ${address}\n`)
  const child = stage.start(['watch', '--exec', 'deny', '--no-audit', '--listen', address])
  const closed = once(child, 'close')
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => {
      lines.push(line)
      io.stdout.write(`  │ ${line}\n`)
    })
  }
  const findings: Finding[] = []
  const ending = new AbortController()
  let lastMs = performance.now()
  const following = followFindings({
    socketPath: join(stage.env['PADDOCK_RUN_DIR'] ?? '', SENSOR_SOCKET),
    signal: ending.signal,
    onFinding(finding) {
      findings.push(finding)
      lastMs = performance.now()
      return undefined
    },
  })

  async function end(): Promise<void> {
    ending.abort()
    child.kill('SIGTERM')
    await Promise.all([closed, following])
  }

  async function quiet(): Promise<void> {
    while (performance.now() - lastMs < QUIET_MS) await sleep(50)
  }

  try {
    await ready(address, child.pid ?? 0, () => child.exitCode, stage)
  } catch (error) {
    await end()
    throw error
  }
  return {
    address,
    count: () => findings.length,
    quiet,
    end,
    async find(from, matches) {
      const endMs = performance.now() + WAIT_MS
      while (performance.now() < endMs) {
        const found = findings.slice(from).find(matches)
        if (found !== undefined) return found
        await sleep(5)
      }
      return null
    },
  }
}

/** Until the page says that all is well: the sensor sees every container, and its first sweep is done. */
async function ready(
  address: string,
  pid: number,
  exitCode: () => number | null,
  { io }: Stage,
): Promise<void> {
  const endMs = performance.now() + 60_000
  let said = ''
  while (performance.now() < endMs && !io.signal.aborted) {
    if (exitCode() !== null) throw new UserError(`'paddock watch' ended with exit code ${exitCode()}`)
    try {
      const answer = await fetch(`http://${address}/healthz`)
      said = (await answer.text()).trim()
      if (answer.ok) return
    } catch {
      // It does not listen yet.
    }
    await sleep(100)
  }
  throw new UserError(`'paddock watch' (process ${pid}) did not get well: ${said}`)
}
