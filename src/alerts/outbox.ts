import type { DatabaseSync } from 'node:sqlite'
import { prepared } from './database.ts'
import { numberOf, numberOrNull, textOf, textOrNull } from './row.ts'

/** Why people are told of an alert. */
export type NoticeEvent = 'opened' | 'worse' | 'acknowledged' | 'still-open' | 'test'

export interface OutboxItem {
  readonly id: number
  readonly alert: number | null
  readonly event: NoticeEvent
  readonly createdAt: number
  readonly attempts: number
}

export interface ChannelState {
  readonly name: string
  readonly lastOkAt: number | null
  readonly failingSince: number | null
  readonly failures: number
  readonly lastError: string | null
  readonly sent: number
  /** Given up after days of trying. */
  readonly dropped: number
  readonly waiting: number
}

/** Puts a notice in the way of a channel; with the transaction that recorded the finding, or on its own. */
export function enqueue(
  database: DatabaseSync,
  item: {
    readonly channel: string
    readonly alert: number | null
    readonly event: NoticeEvent
    readonly now: number
    readonly dueAt: number
  },
): number {
  const insert = 'INSERT INTO outbox (channel, alert, event, created_at, due_at) VALUES (?, ?, ?, ?, ?)'
  const { lastInsertRowid } = prepared(database, insert).run(
    item.channel,
    item.alert,
    item.event,
    item.now,
    item.dueAt,
  )
  return Number(lastInsertRowid)
}

/** What is due, oldest first. */
export function due(database: DatabaseSync, channel: string, now: number, limit: number): OutboxItem[] {
  return database
    .prepare(
      'SELECT id, alert, event, created_at, attempts FROM outbox WHERE channel = ? AND due_at <= ? ORDER BY id LIMIT ?',
    )
    .all(channel, now, limit)
    .map((row) => ({
      id: numberOf(row, 'id'),
      alert: numberOrNull(row, 'alert'),
      event: textOf(row, 'event') as NoticeEvent,
      createdAt: numberOf(row, 'created_at'),
      attempts: numberOf(row, 'attempts'),
    }))
}

/** When the next item of the channel is due; null: none waits. */
export function nextDueAt(database: DatabaseSync, channel: string): number | null {
  const row = database.prepare('SELECT min(due_at) AS due FROM outbox WHERE channel = ?').get(channel)
  return row === undefined ? null : numberOrNull(row, 'due')
}

export function markSent(database: DatabaseSync, channel: string, ids: readonly number[], now: number): void {
  database.prepare('DELETE FROM outbox WHERE id IN (SELECT value FROM json_each(?))').run(JSON.stringify(ids))
  database
    .prepare(
      `INSERT INTO channels (name, last_ok_at, sent) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET
         last_ok_at = ?2, failing_since = NULL, failures = 0, last_error = NULL, sent = sent + ?3`,
    )
    .run(channel, now, ids.length)
}

/** Keeps the items for later; those older than `giveUpBefore` are given up and counted. */
export function markFailed(
  database: DatabaseSync,
  channel: string,
  ids: readonly number[],
  failure: {
    readonly error: string
    readonly now: number
    readonly dueAt: number
    readonly giveUpBefore: number
  },
): void {
  const list = JSON.stringify(ids)
  const { changes: dropped } = database
    .prepare('DELETE FROM outbox WHERE created_at < ? AND id IN (SELECT value FROM json_each(?))')
    .run(failure.giveUpBefore, list)
  database
    .prepare(
      'UPDATE outbox SET attempts = attempts + 1, due_at = ? WHERE id IN (SELECT value FROM json_each(?))',
    )
    .run(failure.dueAt, list)
  database
    .prepare(
      `INSERT INTO channels (name, failing_since, failures, last_error, dropped) VALUES (?1, ?2, 1, ?3, ?4)
       ON CONFLICT DO UPDATE SET failing_since = coalesce(failing_since, ?2), failures = failures + 1,
         last_error = ?3, dropped = dropped + ?4`,
    )
    .run(channel, failure.now, failure.error.slice(0, 500), Number(dropped))
}

/** The channel works again: what was tried in vain is due. What waits for the end of quiet hours goes on waiting. */
export function retryNow(database: DatabaseSync, channel: string, now: number): void {
  database
    .prepare('UPDATE outbox SET due_at = ?1 WHERE channel = ?2 AND attempts > 0 AND due_at > ?1')
    .run(now, channel)
}

/** How the channels of these names are doing, in this order. */
export function channelStates(database: DatabaseSync, names: readonly string[]): ChannelState[] {
  const select = database.prepare('SELECT * FROM channels WHERE name = ?')
  const waiting = database.prepare('SELECT count(*) AS n FROM outbox WHERE channel = ?')
  return names.map((name) => {
    const row = select.get(name)
    const number = (column: string) => (row === undefined ? null : numberOrNull(row, column))
    return {
      name,
      lastOkAt: number('last_ok_at'),
      failingSince: number('failing_since'),
      failures: number('failures') ?? 0,
      lastError: row === undefined ? null : textOrNull(row, 'last_error'),
      sent: number('sent') ?? 0,
      dropped: number('dropped') ?? 0,
      waiting: Number(waiting.get(name)?.['n']),
    }
  })
}

/** Throws away what waits for channels that are configured no more. */
export function forgetOtherChannels(database: DatabaseSync, names: readonly string[]): void {
  const list = JSON.stringify(names)
  database.prepare('DELETE FROM outbox WHERE channel NOT IN (SELECT value FROM json_each(?))').run(list)
  database.prepare('DELETE FROM channels WHERE name NOT IN (SELECT value FROM json_each(?))').run(list)
}
