/** What the verdict worker shows of itself in memory that is shared: to look at it wakes nobody and waits for nobody. */
export interface Progress {
  /** The worker's: about to wait for the kernel, having done so much. */
  waits(stats: Omit<VerdictStats, 'verified'>, verified: number): void
  /** The worker's: the kernel woke it. */
  works(): void
  /** A number that is another each time it comes round; null while it waits for the kernel and so cannot hang. */
  workingTurn(): number | null
  stats(): VerdictStats
}

export interface VerdictStats {
  readonly events: number
  /** Verdicts that took more than 5 ms. */
  readonly slow: number
  readonly slowestMicros: number
  readonly verified: number
}

const STATS_OFFSET = 8
export const PROGRESS_BYTES = STATS_OFFSET + 4 * 8

/** @param memory `PROGRESS_BYTES`, all zero at first: it begins with work */
export function shareProgress(memory: SharedArrayBuffer): Progress {
  // How often it went from work to waiting or back: even while it works.
  const turns = new Int32Array(memory, 0, 1)
  const shown = new Float64Array(memory, STATS_OFFSET, 4)
  return {
    waits({ events, slow, slowestMicros }, verified) {
      shown[0] = events
      shown[1] = slow
      shown[2] = slowestMicros
      shown[3] = verified
      Atomics.add(turns, 0, 1)
    },
    works: () => void Atomics.add(turns, 0, 1),
    workingTurn() {
      const turn = Atomics.load(turns, 0)
      return turn % 2 === 0 ? turn : null
    },
    stats() {
      const [events = 0, slow = 0, slowestMicros = 0, verified = 0] = shown
      return { events, slow, slowestMicros, verified }
    },
  }
}
