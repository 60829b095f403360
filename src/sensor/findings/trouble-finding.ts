import { printable } from '../../lib/printable.ts'
import type { ContainerRef, FindingSource, Severity } from '../../protocol/findings.ts'
import type { NewFinding } from '../ports.ts'

/** What can go wrong with the sensor itself: the reason's id, how bad, and what it means. */
const TROUBLES = {
  'queue-overflow': ['medium', 'events were lost, all containers are swept'],
  'verdicts-died': ['critical', 'verdicts stopped for a moment, and every program could run'],
  'kernel-events-died': ['high', 'events stopped for a moment, all containers are swept'],
  'guarantee-lost': ['high', 'a guarantee does not hold on this host'],
  'container-not-marked': ['high', 'a container is not watched'],
  'mark-refused': ['medium', 'part of a container is not watched'],
  'self-test-failed': ['critical', 'the sensor did not see its own test'],
  'engine-lost': ['high', 'the engine does not answer'],
  'policy-problem': ['high', 'a policy does not load, the last good one stays'],
  'clock-jump': ['medium', 'the clock was set'],
  unreadable: ['medium', 'something could not be read'],
} as const satisfies Record<string, readonly [Severity, string]>

export type Trouble = keyof typeof TROUBLES

/** @param detail one sentence for people; may hold what a container chose */
export function troubleFinding(
  trouble: Trouble,
  detail: string,
  options: { container?: ContainerRef; source?: FindingSource } = {},
): NewFinding {
  const [severity, meaning] = TROUBLES[trouble]
  const { container = null, source = 'sensor' } = options
  const place = container === null ? '' : `${printable(container.name)}: `
  return {
    kind: 'trouble',
    source,
    severity,
    reasons: [trouble],
    summary: `${place}${meaning}: ${printable(detail)}`,
    container,
    group: `${container === null ? 'host' : container.id.slice(0, 12)}:trouble:${trouble}`,
    count: 1,
  }
}
