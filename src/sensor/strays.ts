import type { Written } from './kernel/messages.ts'

/**
 * What was written in a file system that no container is known for yet: the thread that marks tells of it on another way,
 * and may come second. Kept for a moment, bounded.
 */
export interface Strays {
  /** False where too many wait. */
  keep(written: Written): boolean
  /** All that wait, and none any more. */
  take(): readonly Written[]
  /** Those that waited in vain. */
  takeOld(): readonly Written[]
}

const MAXIMUM = 64
const PATIENCE_MS = 2000

export function createStrays(now: () => number = () => performance.now()): Strays {
  let waiting: { readonly written: Written; readonly since: number }[] = []
  return {
    keep(written) {
      if (waiting.length >= MAXIMUM) return false
      waiting.push({ written, since: now() })
      return true
    },
    take() {
      const all = waiting
      waiting = []
      return all.map(({ written }) => written)
    },
    takeOld() {
      const before = now() - PATIENCE_MS
      const kept = waiting.findIndex(({ since }) => since >= before)
      const old = waiting.splice(0, kept === -1 ? waiting.length : kept)
      return old.map(({ written }) => written)
    },
  }
}
