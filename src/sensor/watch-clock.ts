const EVERY_MS = 1000
const JUMP_MS = 2000

/** Tells when the wall clock was set: compared each second with the clock that nobody sets. */
export function watchClock(jumped: (byMs: number) => void): { stop(): void } {
  let offset = Date.now() - performance.now()
  const timer = setInterval(() => {
    const now = Date.now() - performance.now()
    const by = now - offset
    offset = now
    if (Math.abs(by) > JUMP_MS) jumped(by)
  }, EVERY_MS)
  return { stop: () => clearInterval(timer) }
}
