import type { NewFinding } from './ports.ts'

/** A trouble of the sensor's own that may come a thousand times a second. */
export interface Trouble {
  readonly reason: string
  readonly severity: NewFinding['severity']
  /** One sentence; `count` is how many times since the last was told. */
  readonly summary: (count: number) => string
  readonly details?: NewFinding['details']
}

/** At most one finding of a reason in this time: the first at once, the others in one that counts them. */
const WINDOW_MS = 60_000

/**
 * Folds repeated troubles, so that whoever can cause one cannot fill the spool with it.
 * @returns a function to tell one, and one to tell at once what is still being counted
 */
export function foldTrouble(
  emit: (finding: NewFinding) => void,
  windowMs = WINDOW_MS,
): { tell(trouble: Trouble): void; flush(): void } {
  const counting = new Map<string, { trouble: Trouble; count: number; timer: NodeJS.Timeout }>()

  function put({ reason, severity, summary, details }: Trouble, count: number): void {
    emit({
      kind: 'trouble',
      source: 'sensor',
      severity,
      reasons: [reason],
      summary: summary(count),
      container: null,
      group: `sensor/${reason}`,
      count,
      ...(details && { details }),
    })
  }

  function end(reason: string): void {
    const entry = counting.get(reason)
    if (entry === undefined) return
    clearTimeout(entry.timer)
    counting.delete(reason)
    if (entry.count > 0) put(entry.trouble, entry.count)
  }

  return {
    tell(trouble) {
      const entry = counting.get(trouble.reason)
      if (entry !== undefined) {
        entry.trouble = trouble
        entry.count += 1
        return
      }
      const timer = setTimeout(() => {
        end(trouble.reason)
      }, windowMs).unref()
      counting.set(trouble.reason, { trouble, count: 0, timer })
      put(trouble, 1)
    },
    flush() {
      for (const reason of [...counting.keys()]) end(reason)
    },
  }
}
