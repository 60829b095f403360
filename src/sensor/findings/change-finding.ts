import type { Change, Entry } from '../../cow/change.ts'
import { pathJson, pathText } from '../../lib/byte-path.ts'
import { printable } from '../../lib/printable.ts'
import { assess, type Assessment } from '../../policy/severity.ts'
import type { ContainerRef, FindingSource, SideJson } from '../../protocol/findings.ts'
import type { EvidenceRef, NewFinding } from '../ports.ts'
import { groupOf, type Who, whoFields } from './who.ts'

const VERBS: Readonly<Record<Change['kind'], string>> = {
  added: 'was added',
  modified: 'was changed',
  deleted: 'was deleted',
  metadata: 'has another mode, owner or attribute',
  replaced: 'was replaced',
}

/** What of a change that policy does not expect is told. */
export function changeFinding(
  container: ContainerRef,
  source: FindingSource,
  change: Change,
  who: Who | null,
  { evidence, head }: { readonly evidence: EvidenceRef | null; readonly head?: Uint8Array | undefined },
): NewFinding {
  const assessment: Assessment = assess(change, head === undefined ? {} : { head })
  const by = who?.processes[0]
  const doer = by === undefined ? '' : ` by ${printable(by.command)}`
  return {
    kind: 'change',
    source,
    ...assessment,
    summary: `${printable(container.name)}: ${printable(pathText(change.path))} ${VERBS[change.kind]}${doer}`,
    container,
    group: groupOf(container, 'change', who),
    count: 1,
    path: pathJson(change.path),
    change: {
      kind: change.kind,
      type: change.type,
      now: side(change.now, change.sha256),
      was: side(change.was, change.wasSha256),
    },
    ...whoFields(who),
    ...evidenceField(evidence),
  }
}

export function evidenceField(evidence: EvidenceRef | null): Pick<NewFinding, 'evidence'> {
  if (evidence === null) return {}
  const { sha256, sizeBytes, truncated } = evidence
  return { evidence: [{ sha256, size: sizeBytes, truncated }] }
}

export function side(entry: Entry | null, sha256: string | undefined): SideJson | null {
  if (entry === null) return null
  return {
    mode: entry.mode.toString(8),
    uid: entry.uid,
    gid: entry.gid,
    size: entry.sizeBytes,
    ...(sha256 === undefined ? {} : { sha256 }),
  }
}
