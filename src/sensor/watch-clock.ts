import { onTick } from './tick.ts'

const JUMP_MS = 2000

/** Tells when the wall clock was set: compared again and again with the clock that nobody sets. */
export function watchClock(jumped: (byMs: number) => void): { stop(): void } {
  let offset = Date.now() - performance.now()
  const stop = onTick(() => {
    const now = Date.now() - performance.now()
    const by = now - offset
    offset = now
    if (Math.abs(by) > JUMP_MS) jumped(by)
  })
  return { stop }
}
