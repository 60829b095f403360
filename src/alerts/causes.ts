import type { DatabaseSync } from 'node:sqlite'
import type { Finding } from '../protocol/findings.ts'
import { type Cause, PRESENT_MAX_CAUSES } from '../protocol/requests.ts'
import { prepared } from './database.ts'

export interface AlertCauses {
  readonly alert: number
  readonly causes: readonly Cause[]
}

/** What of a finding can still be there. */
export function causesOf(finding: Finding): Cause[] {
  const { container, path, processes, kind, reasons } = finding
  if (kind === 'trouble') return reasons.map((reason) => ({ kind: 'trouble', reason }))
  if (container === null) return []
  const causes: Cause[] = []
  if (path !== undefined && kind !== 'process') causes.push({ kind: 'path', container: container.id, path })
  const process = processes?.[0]
  if (kind !== 'change' && process !== undefined && process.startTicks > 0) {
    const { pid, startTicks } = process
    causes.push({ kind: 'process', container: container.id, pid, startTicks })
  }
  return causes
}

export function addCauses(database: DatabaseSync, alert: number, finding: Finding): void {
  const causes = causesOf(finding)
  if (causes.length === 0) return
  const have = prepared(database, 'SELECT count(*) AS n FROM causes WHERE alert = ?').get(alert)
  if (Number(have?.['n']) + causes.length > PRESENT_MAX_CAUSES) return
  const insert = prepared(database, 'INSERT OR IGNORE INTO causes (alert, cause) VALUES (?, ?)')
  for (const cause of causes) insert.run(alert, JSON.stringify(cause))
}

/**
 * Alerts whose causes are worth a look, the one looked at longest ago first: open ones, and acknowledged ones whose
 * cause was still there.
 */
export function openCauses(database: DatabaseSync, limit: number): AlertCauses[] {
  const rows = database
    .prepare(
      `SELECT id FROM alerts WHERE (state = 'open' OR cause_present = 1)
       AND EXISTS (SELECT 1 FROM causes WHERE alert = alerts.id)
       ORDER BY cause_at IS NOT NULL, cause_at LIMIT ?`,
    )
    .all(limit)
  const select = database.prepare('SELECT cause FROM causes WHERE alert = ?')
  return rows.map((row) => ({
    alert: Number(row['id']),
    causes: select.all(Number(row['id'])).map((cause) => JSON.parse(String(cause['cause'])) as Cause),
  }))
}

/**
 * Keeps what was learnt of an alert's causes: present while one is, gone when all are, else not known.
 * @returns whether that changed anything
 */
export function setCausePresent(
  database: DatabaseSync,
  alert: number,
  present: readonly (boolean | null)[],
  at: number,
): boolean {
  const now = present.includes(true) ? 1 : present.includes(null) || present.length === 0 ? null : 0
  const { changes } = database
    .prepare('UPDATE alerts SET cause_present = ?1 WHERE id = ?2 AND cause_present IS NOT ?1')
    .run(now, alert)
  database.prepare('UPDATE alerts SET cause_at = ? WHERE id = ?').run(at, alert)
  return Number(changes) > 0
}
