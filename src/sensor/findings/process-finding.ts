import { printable } from '../../lib/printable.ts'
import type { ContainerRef, FindingSource, Severity } from '../../protocol/findings.ts'
import type { NewFinding } from '../ports.ts'
import { groupOf, type Who, whoFields } from './who.ts'

/** What can be wrong with processes: the reason's id and how bad it is. */
const REASONS = {
  'process-not-expected': 'medium',
  'process-missing': 'high',
  'executable-deleted': 'high',
  'executable-in-memory': 'critical',
  'user-shared': 'low',
  'left-namespaces': 'critical',
} as const satisfies Record<string, Severity>

export type ProcessReason = keyof typeof REASONS

/** @param what completes "web: …"; may hold what a container chose */
export function processFinding(
  container: ContainerRef,
  source: FindingSource,
  reason: ProcessReason,
  what: string,
  who: Who | null,
): NewFinding {
  const exe = who?.processes[0]?.exe ?? null
  return {
    kind: 'process',
    source,
    severity: REASONS[reason],
    reasons: [reason],
    summary: `${printable(container.name)}: ${printable(what)}`,
    container,
    group: groupOf(container, 'process', who),
    count: 1,
    ...(exe === null ? {} : { path: exe }),
    ...whoFields(who),
  }
}
