import { type Severity, severities } from '../../protocol/findings.ts'
import type { Alert } from '../alert.ts'
import type { NoticeEvent } from '../outbox.ts'

export interface NoticeItem {
  readonly event: Exclude<NoticeEvent, 'test'>
  readonly alert: Alert
}

/** What a channel is given to tell: one alert, a digest of many, or none in a test. */
export interface Notice {
  /** Ids of the outbox, the same when a notice is sent again: a receiver can tell that it had it. */
  readonly deliveries: readonly number[]
  readonly at: string
  readonly host: string
  readonly test: boolean
  /** Worst first. */
  readonly items: readonly NoticeItem[]
  /** Alerts beyond `items` that this digest stands for. */
  readonly more: number
  /** Where the page is, "https://watch.example.org/", where that is configured. */
  readonly pageUrl: string | null
  /** The journal's last entry, "812:9f86…": kept by the receiver, it shows later that nothing was cut off. */
  readonly journal: string
}

const EVENT_WORDS: Record<NoticeItem['event'], string> = {
  opened: 'new',
  worse: 'got worse',
  acknowledged: 'acknowledged',
  'still-open': 'still open',
}

/** One line, "[critical] web: a shell … (host.example.org)". Names of containers are escaped by whoever made the summary. */
export function noticeTitle(notice: Notice): string {
  if (notice.test) return `[test] Paddock on ${notice.host} can reach you`
  const [first] = notice.items
  const total = notice.items.length + notice.more
  if (first !== undefined && total === 1) {
    const { alert, event } = first
    const word = event === 'opened' ? '' : ` ${EVENT_WORDS[event]}`
    return `[${alert.severity}]${word} ${alert.container ?? 'host'}: ${alert.summary} (${notice.host})`
  }
  return `[${noticeSeverity(notice)}] ${total} alerts on ${notice.host}`
}

/** The worst of its alerts; `info` of a test. */
export function noticeSeverity({ items }: Notice): Severity {
  const worst = Math.max(0, ...items.map(({ alert }) => severities.indexOf(alert.severity)))
  return severities[worst] ?? 'info'
}

/** For people, without mark-up: mail, ntfy, the text of a webhook. */
export function noticeText(notice: Notice): string {
  if (notice.test) return `This is a test that somebody asked for at ${notice.at}. Nothing happened.`
  return [
    ...notice.items.map((item) => itemLines(notice, item).join('\n')),
    ...(notice.more > 0 ? [`… and ${notice.more} more.`] : []),
    [
      ...(notice.pageUrl === null ? [] : [`All alerts: ${notice.pageUrl}alerts`]),
      `journal ${notice.journal}`,
    ].join('\n'),
  ].join('\n\n')
}

function itemLines(notice: Notice, { alert, event }: NoticeItem): string[] {
  const seen =
    alert.count === 1
      ? `at ${alert.firstAt}`
      : `${alert.count} times from ${alert.firstAt} to ${alert.lastAt}`
  return [
    `[${alert.severity}] ${alert.container ?? 'host'}: ${alert.summary}`,
    `Alert ${alert.id}, ${EVENT_WORDS[event]}, ${seen}.`,
    ...(alert.suppressed > 0 ? [`${alert.suppressed} of them beyond the limit of alerts an hour.`] : []),
    ...(alert.previous === null
      ? []
      : [`It came back: alert ${alert.previous} of the same was acknowledged.`]),
    ...(alert.acknowledged === null
      ? []
      : [`Acknowledged by ${alert.acknowledged.by}: ${alert.acknowledged.reason}`]),
    ...(notice.pageUrl === null ? [] : [`${notice.pageUrl}alerts/${alert.id}`]),
  ]
}
