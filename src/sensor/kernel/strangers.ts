/** Containers that nobody has asked this thread to look after: not yet, or never, for they are another engine's. */
export interface Strangers {
  /** Whether one more program of it is to be read. */
  isWorthReading(containerId: string): boolean
}

const EACH = 64
const WITHIN_MS = 10_000
const MAXIMUM = 1024

/**
 * The first programs of a container may come before word of it does. One that is never spoken of may start thousands, and reading
 * each would make this thread late for those that it looks after.
 */
export function createStrangers(): Strangers {
  const seen = new Map<string, { readonly since: number; count: number }>()

  return {
    isWorthReading(containerId) {
      const now = performance.now()
      let one = seen.get(containerId)
      if (one === undefined || now - one.since > WITHIN_MS) {
        if (seen.size >= MAXIMUM) seen.clear()
        one = { since: now, count: 0 }
        seen.set(containerId, one)
      }
      return ++one.count <= EACH
    },
  }
}
