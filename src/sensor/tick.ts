/**
 * One timer for all that the sensor does again and again. A process at rest finds its code and data gone from the processor's
 * caches whenever it wakes, which costs more than what it then does: so it wakes for all of it at once.
 */
export const TICK_MS = 2000

/** Each with after how many ticks it is due again. */
const acts = new Map<() => void, number>()
let timer: NodeJS.Timeout | undefined
let count = 0

/**
 * Like `setInterval`, but together with all others, and without holding the process. A function is one act, however often it is given.
 * @param everyMs a multiple of `TICK_MS`
 * @returns ends it
 */
export function onTick(act: () => void, everyMs = TICK_MS): () => void {
  acts.set(act, everyMs / TICK_MS)
  timer ??= setInterval(tick, TICK_MS).unref()
  return () => {
    acts.delete(act)
    if (acts.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

function tick(): void {
  count++
  for (const [act, ticks] of acts) if (count % ticks === 0) act()
}
