import type { Change } from '../cow/change.ts'

/**
 * What a sweep found that was changed just now. The event of it, which knows who did it, may still be on its way on a busy
 * machine, and goes first: told by the sweep it would be nobody's.
 */
export interface Fresh {
  /** False where it is not fresh, or too much waits: to be told at once. */
  keep(containerId: string, change: Change, tell: () => void): boolean
  /** Its event came. */
  drop(containerId: string, path: string): void
  /** Tells all that waits of this container, which goes. */
  end(containerId: string): void
  stop(): void
}

const FRESH_MS = 1000

/** @param maximum how much may wait */
export function createFresh(maximum = 10_000): Fresh {
  const waiting = new Map<string, { readonly timer: NodeJS.Timeout; readonly tell: () => void }>()
  const key = (containerId: string, path: string): string => `${containerId}:${path}`

  function endAll(belongs: (key: string) => boolean): void {
    for (const [name, { timer, tell }] of waiting) {
      if (!belongs(name)) continue
      clearTimeout(timer)
      waiting.delete(name)
      tell()
    }
  }

  return {
    keep(containerId, change, tell) {
      const name = key(containerId, change.path)
      if (waiting.has(name)) return true
      if (!isFresh(change) || waiting.size >= maximum) return false
      const timer = setTimeout(() => {
        waiting.delete(name)
        tell()
      }, FRESH_MS)
      waiting.set(name, { timer, tell })
      return true
    },
    drop(containerId, path) {
      const name = key(containerId, path)
      clearTimeout(waiting.get(name)?.timer)
      waiting.delete(name)
    },
    end: (containerId) => endAll((name) => name.startsWith(`${containerId}:`)),
    stop: () => endAll(() => true),
  }
}

/** By the change time, which nothing in a container can set. Of what is gone there is none to go by. */
function isFresh({ now }: Change): boolean {
  const ctimeNs = now?.ctimeNs
  return ctimeNs === undefined || Number(ctimeNs / 1_000_000n) > Date.now() - FRESH_MS
}
