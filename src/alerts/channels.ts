import { type Severity, severities } from '../protocol/findings.ts'
import type { Alert } from './alert.ts'
import type { NotifierKind } from './notify/notifier.ts'
import { enqueue, type NoticeEvent } from './outbox.ts'
import { alertById, listAlerts } from './query.ts'
import type { Recorded } from './record.ts'
import type { AlertStore } from './store.ts'

/** A configured way to tell people. */
export interface Channel {
  /** As configured: "ops". */
  readonly name: string
  readonly type: string
  readonly kind: NotifierKind
  readonly settings: Readonly<Record<string, unknown>>
  /** This severity and worse. */
  readonly severity: Severity
  readonly quiet: QuietHours | null
}

const RENEWED_ALERTS = 1000

/** When only the worst is told at once; the rest comes together at the end. In the host's local time. */
export interface QuietHours {
  /** Minutes after midnight; a window over midnight begins later than it ends. */
  readonly fromMinute: number
  readonly untilMinute: number
  /** This severity and worse is told all the same. */
  readonly except: Severity
}

/** Puts what a batch did in the way of each channel that wants it. Maintenance is recorded, never told. */
export function announce(store: AlertStore, channels: readonly Channel[], recorded: Recorded): void {
  const events = [
    ...recorded.opened.map((id) => [id, 'opened'] as const),
    ...recorded.worse.map((id) => [id, 'worse'] as const),
  ]
  for (const [id, event] of events) {
    const alert = alertById(store.database, String(id))
    if (alert !== null) announceAlert(store, channels, alert, event)
  }
}

/** Tells of one alert: it was acknowledged, or is still open. Only channels that follow the state hear of these. */
export function announceAlert(
  store: AlertStore,
  channels: readonly Channel[],
  alert: Alert,
  event: Exclude<NoticeEvent, 'test'>,
): void {
  if (alert.maintenance !== null) return
  const now = store.now()
  for (const channel of channels) {
    if (!wants(channel, alert, event)) continue
    const dueAt = quietUntil(channel.quiet, alert.severity, now)
    enqueue(store.database, { channel: channel.name, alert: Number(alert.id), event, now, dueAt })
  }
}

function wants({ kind, severity }: Channel, alert: Alert, event: NoticeEvent): boolean {
  const news = event === 'opened' || event === 'worse'
  return atLeast(alert.severity, severity) && (news || kind.followsState)
}

/** Reminds the channels that forget of what is still open; to be called every `renewMs` of theirs. */
export function renew(store: AlertStore, channel: Channel): void {
  const { alerts } = listAlerts(store.database, { state: 'open', severity: channel.severity }, RENEWED_ALERTS)
  for (const alert of alerts) announceAlert(store, [channel], alert, 'still-open')
}

/** @returns `now`, or the end of the quiet hours that `now` lies in */
export function quietUntil(quiet: QuietHours | null, severity: Severity, now: number): number {
  if (quiet === null || atLeast(severity, quiet.except)) return now
  const date = new Date(now)
  const minute = date.getHours() * 60 + date.getMinutes()
  const { fromMinute, untilMinute } = quiet
  const overMidnight = fromMinute > untilMinute
  const inside = overMidnight
    ? minute >= fromMinute || minute < untilMinute
    : minute >= fromMinute && minute < untilMinute
  if (!inside) return now
  const end = new Date(now)
  end.setHours(Math.floor(untilMinute / 60), untilMinute % 60, 0, 0)
  if (end.getTime() <= now) end.setDate(end.getDate() + 1)
  return end.getTime()
}

function atLeast(severity: Severity, bound: Severity): boolean {
  return severities.indexOf(severity) >= severities.indexOf(bound)
}
