import { HEARTBEAT_MS } from '../protocol/messages.ts'

/**
 * One timer for all that the sensor does again and again. A process at rest finds its code and data gone from the processor's
 * caches whenever it wakes, which costs more than what it then does: so it wakes for all of it at once, when a heartbeat is due.
 */
export const TICK_MS = HEARTBEAT_MS

const acts = new Set<() => void>()
let timer: NodeJS.Timeout | undefined

/**
 * Like `setInterval`, but together with all others, and without holding the process.
 * @returns ends it
 */
export function onTick(act: () => void): () => void {
  // A function of its own, so that the same may be asked for twice.
  const one = (): void => act()
  acts.add(one)
  timer ??= setInterval(tick, TICK_MS).unref()
  return () => {
    acts.delete(one)
    if (acts.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

function tick(): void {
  for (const act of acts) act()
}
