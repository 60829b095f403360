import { pathJson, pathText, type BytePath } from '../../lib/byte-path.ts'
import { printable } from '../../lib/printable.ts'
import type { ContainerRef, Finding, FindingSource } from '../../protocol/findings.ts'
import type { EvidenceRef, NewFinding } from '../ports.ts'
import type { UnknownProgram } from '../verdict/messages.ts'
import { evidenceField } from './change-finding.ts'
import { groupOf, type Who, whoFields } from './who.ts'

export interface ExecFacts {
  readonly path: BytePath
  readonly verdict: 'denied' | 'allowed'
  readonly from: NonNullable<Finding['exec']>['from']
  /** "not in the image" */
  readonly why: string
  readonly verdictMicros?: number
}

/** A program that is not the image's ran, or was kept from running. */
export function execFinding(
  container: ContainerRef,
  source: FindingSource,
  { path, verdict, from, why, verdictMicros }: ExecFacts,
  who: Who | null,
  evidence: EvidenceRef | null,
): NewFinding {
  const did = verdict === 'denied' ? 'was not allowed to run' : 'ran'
  return {
    kind: 'exec',
    source,
    // What was denied did no harm; that someone tried is no small matter.
    severity: verdict === 'denied' ? 'high' : 'critical',
    reasons: [verdict === 'denied' ? 'program-denied' : 'program-ran'],
    summary: `${printable(container.name)}: ${printable(pathText(path))} ${did}: ${why}`,
    container,
    group: groupOf(container, 'exec', who),
    count: 1,
    path: pathJson(path),
    exec: { verdict, from, ...(verdictMicros === undefined ? {} : { verdictMicros }) },
    ...whoFields(who),
    ...evidenceField(evidence),
    details: { why },
  }
}

export function execFacts(program: UnknownProgram): ExecFacts {
  const { verdict, from, why, micros } = program
  return { path: withoutDeleted(program.path, from === 'deleted'), verdict, from, why, verdictMicros: micros }
}

const DELETED = ' (deleted)'

/** The kernel writes " (deleted)" behind the path of what has no name any more. */
export function withoutDeleted(path: string, isDeleted: boolean): BytePath {
  return (isDeleted && path.endsWith(DELETED) ? path.slice(0, -DELETED.length) : path) as BytePath
}
