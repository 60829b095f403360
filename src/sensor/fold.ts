import { severities } from '../policy/severity.ts'
import type { FindingSink, NewFinding } from './ports.ts'

/**
 * Folds bursts: the first findings of a group pass as they are; when more come quickly, they are counted and told together,
 * once a second, so that a build tool's ten thousand files are one growing group. So are all groups of a container together when
 * there are too many, for an intruder makes a new process tree as easily as a file. Nothing is lost: the counts add up.
 */
export interface Fold extends FindingSink {
  /** Whether a further finding of this group would be folded, so that nothing costly need be done for it. */
  isFolding(group: string): boolean
  /** One more of a group that is folding; `make` is called only if it is the one that stands for all. */
  count(group: string, severity: NewFinding['severity'], make: () => NewFinding): void
  flush(): void
  stop(): void
}

const PASS = 20
/** Of all groups of one container and kind. */
const PASS_WIDE = 200
const WINDOW_MS = 10_000
const TELL_MS = 1000
const GROUPS_MAXIMUM = 4096

interface Burst {
  since: number
  passed: number
  folded: number
  /** The first of the worst of those folded. */
  worst: NewFinding | null
}

export function createFold(sink: FindingSink, now: () => number = () => performance.now()): Fold {
  const bursts = new Map<string, Burst>()
  let timer: NodeJS.Timeout | undefined

  function burstOf(group: string): Burst {
    const time = now()
    const known = bursts.get(group)
    if (known !== undefined && (time - known.since < WINDOW_MS || known.folded > 0)) return known
    if (bursts.size >= GROUPS_MAXIMUM) {
      flush()
      bursts.clear()
    }
    const burst = { since: time, passed: 0, folded: 0, worst: null }
    bursts.set(group, burst)
    timer ??= setInterval(flush, TELL_MS)
    return burst
  }

  /** The group that a further finding would be folded into; null where it passes as it is. */
  function folding(group: string): string | null {
    if ((bursts.get(group)?.passed ?? 0) >= PASS) return group
    const wide = wideGroup(group)
    return (bursts.get(wide)?.passed ?? 0) >= PASS_WIDE ? wide : null
  }

  function count(into: string, by: number, severity: NewFinding['severity'], make: () => NewFinding): void {
    const burst = burstOf(into)
    burst.folded += by
    if (burst.worst === null || rank(severity) > rank(burst.worst.severity))
      burst.worst = { ...make(), group: into }
  }

  function pass(finding: NewFinding): void {
    burstOf(finding.group).passed++
    burstOf(wideGroup(finding.group)).passed++
    sink.emit(finding)
  }

  function flush(): void {
    const time = now()
    for (const [group, burst] of bursts) {
      const { worst, folded } = burst
      if (worst !== null) {
        const more = folded > worst.count ? `, and ${folded - worst.count} more like it` : ''
        sink.emit({ ...worst, count: folded, summary: `${worst.summary}${more}` })
        burst.since = time
      }
      burst.folded = 0
      burst.worst = null
      if (time - burst.since >= WINDOW_MS) bursts.delete(group)
    }
    if (bursts.size > 0) return
    clearInterval(timer)
    timer = undefined
  }

  return {
    emit(finding) {
      const into = folding(finding.group)
      if (into === null) pass(finding)
      else count(into, finding.count, finding.severity, () => finding)
    },
    isFolding: (group) => folding(group) !== null,
    count(group, severity, make) {
      const into = folding(group)
      if (into === null) pass(make())
      else count(into, 1, severity, make)
    },
    flush,
    stop() {
      clearInterval(timer)
      flush()
    },
  }
}

/** "<container>:<kind>:many" of "<container>:<kind>:<process>". */
function wideGroup(group: string): string {
  return `${group.split(':', 2).join(':')}:many`
}

function rank(severity: NewFinding['severity']): number {
  return severities.indexOf(severity)
}
