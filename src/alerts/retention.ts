import { createHash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { transaction } from './database.ts'
import type { Journal } from './journal.ts'

export interface RetentionLimits {
  /** Findings of alerts acknowledged longer ago are kept as time, number and digest only. */
  readonly keepMs: number
  /** Above this, the oldest findings go the same way, acknowledged alerts first. */
  readonly maxSizeBytes: number
  /** Above this, the oldest findings go altogether; their alerts stay. */
  readonly maxFindings: number
}

export interface Pruned {
  /** Findings whose text was dropped, and findings dropped altogether. */
  readonly shortened: number
  readonly removed: number
  /** Whether there is more to do: call again. */
  readonly more: boolean
}

const STEP_FINDINGS = 5000

/**
 * One bounded step (some ten milliseconds) of keeping the database within its limits. An alert itself, its counts,
 * its acknowledgement and the journal are never dropped; what is dropped is written to the journal.
 */
export function prune(
  database: DatabaseSync,
  journal: Journal,
  limits: RetentionLimits,
  now: number,
): Pruned {
  return transaction(database, () => {
    const tooLarge = sizeBytes(database) > limits.maxSizeBytes
    const shortened = shorten(database, now - limits.keepMs, tooLarge)
    const removed = remove(database, limits.maxFindings)
    if (shortened > 0 || removed !== null) {
      const body = { shortened, ...(removed ?? {}) }
      journal.append({ at: now, kind: 'pruned', who: 'watch', body })
    }
    const step = Math.max(shortened, removed?.removed ?? 0)
    return { shortened, removed: removed?.removed ?? 0, more: step >= STEP_FINDINGS }
  })
}

/** Bytes in use; the file may be larger, its free pages are used again. */
export function sizeBytes(database: DatabaseSync): number {
  const pragma = (name: string) => Number(database.prepare(`PRAGMA ${name}`).get()?.[name])
  return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size')
}

function shorten(database: DatabaseSync, before: number, tooLarge: boolean): number {
  const old = `SELECT seq, line FROM findings JOIN alerts ON alerts.id = findings.alert
    WHERE line IS NOT NULL AND acknowledged_at < ? ORDER BY acknowledged_at LIMIT ${STEP_FINDINGS}`
  // Of an open alert the first hundred stay readable, whatever the size.
  const middle = `SELECT seq, line FROM findings WHERE line IS NOT NULL AND seq NOT IN (
      SELECT inner_findings.seq FROM findings AS inner_findings WHERE inner_findings.alert = findings.alert
      ORDER BY inner_findings.seq LIMIT 100)
    ORDER BY seq LIMIT ${STEP_FINDINGS}`
  let rows = database.prepare(old).all(tooLarge ? Number.MAX_SAFE_INTEGER : before)
  if (rows.length === 0 && tooLarge) rows = database.prepare(middle).all()
  const update = database.prepare('UPDATE findings SET line = NULL, digest = ? WHERE seq = ?')
  for (const row of rows) {
    update.run(createHash('sha256').update(String(row['line'])).digest(), Number(row['seq']))
  }
  return rows.length
}

function remove(
  database: DatabaseSync,
  maxFindings: number,
): { removed: number; to: number; chain: string } | null {
  const range = database.prepare('SELECT min(seq) AS first, max(seq) AS last FROM findings').get()
  const first = Number(range?.['first'] ?? 0)
  const excess = Number(range?.['last'] ?? 0) - first + 1 - maxFindings
  if (excess <= 0) return null
  const to = first + Math.min(excess, STEP_FINDINGS) - 1
  const at = database
    .prepare('SELECT seq, chain FROM findings WHERE seq <= ? ORDER BY seq DESC LIMIT 1')
    .get(to)
  if (at === undefined) return null
  const { changes } = database.prepare('DELETE FROM findings WHERE seq <= ?').run(to)
  return { removed: Number(changes), to, chain: Buffer.from(at['chain'] as Uint8Array).toString('hex') }
}
