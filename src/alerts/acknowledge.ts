import type { DatabaseSync } from 'node:sqlite'
import { UserError } from '../lib/errors.ts'
import { transaction } from './database.ts'
import type { Journal } from './journal.ts'
import { alertById } from './query.ts'

export const MAX_REASON_LENGTH = 1000

/**
 * Acknowledges an alert: it leaves the list of open ones and stays in the record, with who, when and why.
 * @returns hashes of its evidence that no open alert needs any more
 * @throws UserError when there is no such alert, it was acknowledged before, or no reason is given
 */
export function acknowledge(
  database: DatabaseSync,
  journal: Journal,
  id: string,
  by: { readonly who: string; readonly reason: string; readonly at: number },
): string[] {
  const reason = checkedReason(by.reason)
  return transaction(database, () => {
    const alert = alertById(database, id)
    if (alert === null) {
      throw new UserError(`cannot acknowledge alert ${id}: there is none of that number`, {
        hint: '`paddock alerts ls` lists them',
      })
    }
    if (alert.acknowledged !== null) {
      const { by: who, at, reason: before } = alert.acknowledged
      throw new UserError(`alert ${id} was acknowledged by ${who} at ${at}: ${before}`)
    }
    database
      .prepare(
        `UPDATE alerts SET state = 'acknowledged', acknowledged_at = ?, acknowledged_by = ?, acknowledged_reason = ?
         WHERE id = ?`,
      )
      .run(by.at, by.who, reason, Number(id))
    const last = database.prepare('SELECT max(seq) AS seq FROM findings WHERE alert = ?').get(Number(id))
    journal.append({
      at: by.at,
      kind: 'acknowledged',
      who: by.who,
      body: { alert: Number(id), reason, severity: alert.severity, count: alert.count, last: last?.['seq'] },
    })
    return database
      .prepare(
        `SELECT sha256 FROM evidence WHERE alert = ? AND NOT EXISTS (
           SELECT 1 FROM evidence AS other JOIN alerts ON alerts.id = other.alert
           WHERE other.sha256 = evidence.sha256 AND alerts.state = 'open')`,
      )
      .all(Number(id))
      .map((row) => String(row['sha256']))
  })
}

/** Hashes that open alerts need, in order, after `after`: for pinning them anew. */
export function openEvidence(database: DatabaseSync, after: string, limit: number): string[] {
  return database
    .prepare(
      `SELECT DISTINCT sha256 FROM evidence JOIN alerts ON alerts.id = evidence.alert
       WHERE alerts.state = 'open' AND sha256 > ? ORDER BY sha256 LIMIT ?`,
    )
    .all(after, limit)
    .map((row) => String(row['sha256']))
}

/** @throws UserError when it is empty or too long */
export function checkedReason(text: string): string {
  const reason = text.trim()
  if (reason === '')
    throw new UserError('a reason is needed', { hint: 'say in a few words why this is all right' })
  if (reason.length > MAX_REASON_LENGTH) {
    throw new UserError(`the reason is longer than ${MAX_REASON_LENGTH} characters`)
  }
  return reason
}
