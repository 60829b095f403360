/** Counters of what happened since the start, and parts that do not work. */
export interface Tally {
  count(name: string, by?: number): void
  counters(): Readonly<Record<string, number>>
  /** A guarantee that does not hold on this host; each sentence once. */
  lost: Set<string>
}

export function createTally(): Tally {
  const counters = new Map<string, number>()
  return {
    count: (name, by = 1) => void counters.set(name, (counters.get(name) ?? 0) + by),
    counters: () => Object.fromEntries(counters),
    lost: new Set(),
  }
}
