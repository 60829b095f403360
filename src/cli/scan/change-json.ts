import type { Change, Entry } from '../../cow/change.ts'
import { pathJson } from '../../lib/byte-path.ts'
import type { RuleSource, Severity } from '../../policy/policy.ts'

/** A change with policy's word on it. */
export interface JudgedChange {
  readonly change: Change
  readonly expected: boolean
  readonly rule: RuleSource | null
  readonly severity: Severity
  /** Ids of the table in policy/severity.ts. */
  readonly reasons: readonly string[]
}

/** One element of `changes` in `paddock scan --json` (docs/json.md). */
export function changeJson({ change, expected, rule, severity, reasons }: JudgedChange): object {
  const { now, was } = change
  return {
    ...pathJson(change.path),
    kind: change.kind,
    type: change.type,
    ...(now === null ? {} : sideJson(now, change.sha256)),
    severity,
    reasons,
    expected,
    rule: rule === null ? null : `${rule.file}:${rule.line}`,
    ...(was === null ? {} : { was: sideJson(was, change.wasSha256) }),
    ...(change.xattrs.length === 0 ? {} : { xattrs: change.xattrs }),
  }
}

function sideJson(entry: Entry, sha256: string | undefined): object {
  return {
    mode: entry.mode.toString(8).padStart(6, '0'),
    uid: entry.uid,
    gid: entry.gid,
    size: entry.sizeBytes,
    ...(sha256 === undefined ? {} : { sha256 }),
  }
}
