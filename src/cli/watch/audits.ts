import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { AUDIT_WANTED } from '../../protocol/audit-news.ts'
import type { Folders } from './folders.ts'
import { programFile } from './programs.ts'

export interface AuditOptions {
  readonly folders: Folders
  /** As named by --engine. */
  readonly engines: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
  /** A line for people: the first audit, or one that failed. */
  readonly onLine: (line: string) => void
}

const LOOK_EVERY_MS = 500
const DAY_MS = 86_400_000
/** The sensor says so once it sees the engine; where it cannot, the first audit waits no longer. */
const FIRST_AFTER_MS = 30_000
/** An audit gets a twentieth of the time, however often containers come and go; but nobody waits long for the next. */
const REST_TIMES = 19
const REST_LEAST_MS = 2000
const REST_MOST_MS = 30_000
const PATIENCE_MS = 600_000

/**
 * Audits when the sensor wants one (the engine came, a container was made or started) and once a day, in a process of
 * its own at low priority, until the signal aborts. What systemd's paddock-audit.timer and .path do where it runs.
 */
export async function keepAudits(options: AuditOptions): Promise<void> {
  const { folders, signal } = options
  const wanted = join(folders.state, AUDIT_WANTED)
  let dueMs = Date.now() + FIRST_AFTER_MS
  let restUntilMs = 0
  while (!signal.aborted) {
    // The audit removes the file before it looks.
    if (Date.now() >= dueMs || (existsSync(wanted) && performance.now() >= restUntilMs)) {
      const startMs = performance.now()
      await auditOnce(options)
      const restMs = REST_TIMES * (performance.now() - startMs)
      restUntilMs = performance.now() + Math.min(REST_MOST_MS, Math.max(REST_LEAST_MS, restMs))
      dueMs = Date.now() + DAY_MS
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined)
  }
}

async function auditOnce({ engines, env, signal, onLine }: AuditOptions): Promise<void> {
  const names = engines.length === 0 ? [[]] : engines.map((address) => [`--engine=${address}`])
  for (const engine of names) {
    if (signal.aborted) return
    const child = spawn(process.execPath, [programFile('paddock'), 'audit', '--alert', ...engine], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C is for this process, which ends the other.
      detached: true,
      timeout: PATIENCE_MS,
      killSignal: 'SIGKILL',
    })
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW)
    // What became worse comes back as a finding of the sensor's: only the rest is said here.
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('The first audit')) onLine(`paddock-audit: ${line}`)
    })
    createInterface({ input: child.stderr }).on('line', onLine)
    // What it writes is whole or not there: it need not be asked.
    const end = () => {
      child.kill('SIGKILL')
    }
    signal.addEventListener('abort', end)
    const [code, killedBy] = (await once(child, 'close').catch(() => [2, null])) as [
      number | null,
      string | null,
    ]
    signal.removeEventListener('abort', end)
    if (code === null && !isOver(signal))
      onLine(`paddock-audit: the audit was killed by ${killedBy ?? 'a signal'}; the next follows`)
  }
}

/** It may have aborted while the audit ran. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted
}
