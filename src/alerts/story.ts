import type { DatabaseSync } from 'node:sqlite'
import type { Finding, ProcessRef, SideJson } from '../protocol/findings.ts'
import type { AlertEvidence, AlertStory, ProcessNode, TimelineItem } from './alert.ts'
import { policyLines } from './policy-lines.ts'
import { alertById } from './query.ts'

/** So many findings from the beginning of an alert, and as many from its end, are told. */
const SHOWN_EACH_END = 100
const MAX_PROCESSES = 200

/** @returns null when there is no such alert */
export function alertStory(database: DatabaseSync, id: string): AlertStory | null {
  const alert = alertById(database, id)
  if (alert === null) return null
  const findings = shownFindings(database, Number(id))
  return {
    ...alert,
    timeline: findings.map(timelineItem),
    omitted: Math.max(0, alert.findings - findings.length),
    processes: processTree(findings),
    evidence: alertEvidence(database, id),
    policyLines: policyLines(findings),
    next: database
      .prepare('SELECT id FROM alerts WHERE previous = ? ORDER BY id LIMIT 50')
      .all(Number(id))
      .map((row) => String(row['id'])),
  }
}

export function alertEvidence(database: DatabaseSync, id: string): AlertEvidence[] {
  return database
    .prepare(
      'SELECT sha256, size, truncated, name FROM evidence WHERE alert = ? ORDER BY name, sha256 LIMIT 1000',
    )
    .all(Number(id))
    .map((row) => ({
      sha256: String(row['sha256']),
      size: Number(row['size']),
      truncated: row['truncated'] === 1,
      path: String(row['name']),
    }))
}

/** The worst finding that is kept in full, for notifiers that say more than a line. */
export function shownFindings(database: DatabaseSync, alert: number): Finding[] {
  const select = (order: 'ASC' | 'DESC') =>
    database
      .prepare(
        `SELECT seq, line FROM findings WHERE alert = ? AND line IS NOT NULL ORDER BY seq ${order} LIMIT ?`,
      )
      .all(alert, SHOWN_EACH_END)
  const rows = new Map(
    [...select('ASC'), ...select('DESC').reverse()].map((row) => [row['seq'], row['line']]),
  )
  return [...rows.values()].map((line) => JSON.parse(String(line)) as Finding)
}

function timelineItem(finding: Finding): TimelineItem {
  const { change } = finding
  return {
    number: finding.number,
    at: finding.at,
    severity: finding.severity,
    kind: finding.kind,
    source: finding.source,
    summary: finding.summary,
    count: finding.count,
    path: finding.path?.path ?? null,
    verdict: finding.exec?.verdict ?? null,
    change:
      change === undefined
        ? null
        : { kind: change.kind, type: change.type, rows: differences(change.was, change.now) },
    sha256s: (finding.evidence ?? []).map(({ sha256 }) => sha256),
  }
}

/** What differs between the image's side and the container's. */
function differences(was: SideJson | null, now: SideJson | null) {
  const rows = [
    ['mode', was?.mode, now?.mode],
    ['owner', owner(was), owner(now)],
    ['size', was?.size, now?.size],
    ['sha256', was?.sha256, now?.sha256],
  ] as const
  return rows
    .filter(([, before, after]) => before !== after)
    .map(([what, before, after]) => ({ what, was: String(before ?? '–'), now: String(after ?? '–') }))
}

function owner(side: SideJson | null): string | undefined {
  return side === null ? undefined : `${side.uid}:${side.gid}`
}

/** The processes of all findings as trees: each finding brings one branch, from the process up to the init. */
export function processTree(findings: readonly Finding[]): ProcessNode[] {
  const known = new Map<string, { process: ProcessRef; parent: string | null }>()
  for (const { processes = [] } of findings) {
    for (const [index, process] of processes.entries()) {
      const above = processes[index + 1]
      const key = identity(process)
      const before = known.get(key)
      if (before === undefined && known.size >= MAX_PROCESSES) continue
      // What was read before the process was gone says more than what was read after.
      const fuller = before !== undefined && process.argv === null ? before.process : process
      known.set(key, {
        process: fuller,
        parent: above === undefined ? (before?.parent ?? null) : identity(above),
      })
    }
  }
  const build = (parent: string | null, path: ReadonlySet<string>): ProcessNode[] =>
    [...known]
      .filter(([key, node]) =>
        parent === null
          ? node.parent === null || !known.has(node.parent)
          : node.parent === parent && !path.has(key),
      )
      .map(([key, { process }]) => ({ ...process, children: build(key, new Set([...path, key])) }))
  return build(null, new Set())
}

function identity({ pid, startTicks }: ProcessRef): string {
  return `${pid}:${startTicks}`
}
