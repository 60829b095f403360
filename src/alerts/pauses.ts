import type { DatabaseSync } from 'node:sqlite'
import { UserError } from '../lib/errors.ts'
import { checkedReason } from './acknowledge.ts'
import { transaction } from './database.ts'
import type { Journal } from './journal.ts'

export const MAX_PAUSE_MS = 24 * 3_600_000

/** A maintenance window: what is found in this container is recorded and marked, and nobody is told. */
export interface Pause {
  readonly id: string
  readonly container: string
  readonly from: string
  readonly until: string
  readonly reason: string
  readonly who: string
  readonly active: boolean
  /** Alerts opened in it. */
  readonly alerts: number
}

/**
 * @param forMs how long from now
 * @throws UserError when the reason is missing, or the time is not between a second and a day
 */
export function beginPause(
  database: DatabaseSync,
  journal: Journal,
  pause: {
    readonly container: string
    readonly forMs: number
    readonly reason: string
    readonly who: string
    readonly at: number
  },
): Pause {
  const { container, forMs, who, at } = pause
  const reason = checkedReason(pause.reason)
  if (!Number.isFinite(forMs) || forMs < 1000 || forMs > MAX_PAUSE_MS) {
    throw new UserError(`cannot pause alerts of ${container}: the time must be between 1 second and 24 hours`)
  }
  return transaction(database, () => {
    const { lastInsertRowid } = database
      .prepare('INSERT INTO pauses (container, from_at, until_at, reason, who) VALUES (?, ?, ?, ?, ?)')
      .run(container, at, at + forMs, reason, who)
    const id = Number(lastInsertRowid)
    journal.append({
      at,
      kind: 'paused',
      who,
      body: { pause: id, container, until: at + forMs, reason },
    })
    return pauseById(database, id, at)
  })
}

/** Ends a window before its time. @throws UserError when there is none of that number under way */
export function endPause(
  database: DatabaseSync,
  journal: Journal,
  id: string,
  who: string,
  at: number,
): Pause {
  return transaction(database, () => {
    const { changes } = database
      .prepare('UPDATE pauses SET until_at = ?1 WHERE id = ?2 AND until_at > ?1')
      .run(at, Number(id))
    if (Number(changes) === 0) throw new UserError(`cannot end pause ${id}: none of that number is under way`)
    journal.append({ at, kind: 'pause-ended', who, body: { pause: Number(id) } })
    return pauseById(database, Number(id), at)
  })
}

/** Those under way first, then the latest that ended. */
export function listPauses(database: DatabaseSync, now: number, limit = 50): Pause[] {
  return database
    .prepare(`${SELECT} ORDER BY until_at > ? DESC, id DESC LIMIT ?`)
    .all(now, limit)
    .map((row) => asPause(row, now))
}

const SELECT =
  'SELECT pauses.*, (SELECT count(*) FROM alerts WHERE alerts.pause = pauses.id) AS alerts FROM pauses'

function pauseById(database: DatabaseSync, id: number, now: number): Pause {
  const row = database.prepare(`${SELECT} WHERE id = ?`).get(id)
  if (row === undefined) throw new Error(`no pause ${id}`)
  return asPause(row, now)
}

function asPause(row: Record<string, unknown>, now: number): Pause {
  const until = Number(row['until_at'])
  return {
    id: String(row['id']),
    container: String(row['container']),
    from: new Date(Number(row['from_at'])).toISOString(),
    until: new Date(until).toISOString(),
    reason: String(row['reason']),
    who: String(row['who']),
    active: until > now,
    alerts: Number(row['alerts']),
  }
}
