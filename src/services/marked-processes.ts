import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { hasCode, UserError } from '../lib/errors.ts'

const GRACE_MS = 2000
const MOST_MS = 30_000

/** Processes that have a variable in their environment, which all that they start inherit, in whatever session. */
export function markedProcesses(variable: string, value: string): number[] {
  const wanted = `${variable}=${value}`
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && environment(name).includes(wanted))
    .map(Number)
}

/**
 * Ends marked processes: politely, and after two seconds not.
 * @param also asked each time beside them: false while something else has still to end
 * @param onKill called with each signal, for what the mark does not reach
 * @returns the processes that there were
 * @throws UserError where they do not end
 */
export async function endMarked(
  variable: string,
  value: string,
  {
    also = () => true,
    onKill = () => undefined,
  }: { also?: () => boolean; onKill?: (signal: NodeJS.Signals) => void } = {},
): Promise<ReadonlySet<number>> {
  const seen = new Set<number>()
  for (let sinceMs = 0; ; sinceMs += 100) {
    const running = markedProcesses(variable, value)
    for (const pid of running) seen.add(pid)
    if (running.length === 0 && also()) return seen
    const signal = sinceMs === 0 ? 'SIGTERM' : 'SIGKILL'
    if (sinceMs === 0 || sinceMs >= GRACE_MS) {
      onKill(signal)
      for (const pid of running) kill(pid, signal)
    }
    if (sinceMs > MOST_MS)
      throw new UserError(`cannot end what was started here: ${running.slice(0, 10).join(', ')}`)
    await sleep(100)
  }
}

export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!hasCode(error, 'ESRCH', 'EPERM')) throw error
  }
}

/** Empty where it ended, is a zombie, or is not ours to read. */
function environment(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0')
  } catch {
    return []
  }
}
