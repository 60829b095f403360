import type { DatabaseSync } from 'node:sqlite'
import { type Severity, severities } from '../protocol/findings.ts'
import type { Alert, AlertState } from './alert.ts'
import { prepared } from './database.ts'
import type { AlertFacts } from './facts.ts'
import { numberOf, numberOrNull, type Row, textOf, textOrNull } from './row.ts'

export interface AlertFilter {
  readonly state?: AlertState
  /** This severity and worse. */
  readonly severity?: Severity
  readonly container?: string
  /** Part of the summary, the container's name, the image or a path; case does not matter. */
  readonly search?: string
}

export interface AlertPage {
  readonly alerts: readonly Alert[]
  /** Where the next page starts; null: this was the last one. */
  readonly nextBefore: string | null
}

const COLUMNS = `alerts.id, state, severity, summary, alerts.container, container_id, image, engine, first_at,
  last_at, count, findings, suppressed, cause_present, previous, pause, facts, acknowledged_at, acknowledged_by,
  acknowledged_reason, pauses.reason AS pause_reason`
const FROM = 'FROM alerts LEFT JOIN pauses ON pauses.id = alerts.pause'

/** @param before `nextBefore` of the page before; newest last finding first */
export function listAlerts(
  database: DatabaseSync,
  filter: AlertFilter,
  limit: number,
  before: string | null = null,
): AlertPage {
  const conditions: [string, ...(string | number)[]][] = []
  if (filter.state !== undefined) conditions.push(['state = ?', filter.state])
  if (filter.severity !== undefined) conditions.push(['severity >= ?', severities.indexOf(filter.severity)])
  if (filter.container !== undefined) conditions.push(['alerts.container = ?', filter.container])
  if (filter.search !== undefined && filter.search !== '') {
    const needle = filter.search.toLowerCase()
    conditions.push(['(instr(search, ?) > 0 OR instr(lower(summary), ?) > 0)', needle, needle])
  }
  const position = parsePosition(before)
  if (position !== null) conditions.push(['(last_at, alerts.id) < (?, ?)', ...position])
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.map(([text]) => text).join(' AND ')}`
  const rows = database
    .prepare(`SELECT ${COLUMNS} ${FROM} ${where} ORDER BY last_at DESC, alerts.id DESC LIMIT ?`)
    .all(...conditions.flatMap(([, ...values]) => values), limit + 1)
  const alerts = rows.slice(0, limit).map(asAlert)
  const last = rows.length > limit ? rows[limit - 1] : undefined
  return {
    alerts,
    nextBefore: last === undefined ? null : `${String(last['last_at'])}-${String(last['id'])}`,
  }
}

export function alertById(database: DatabaseSync, id: string): Alert | null {
  if (!/^[1-9][0-9]{0,14}$/.test(id)) return null
  const row = prepared(database, `SELECT ${COLUMNS} ${FROM} WHERE alerts.id = ?`).get(Number(id))
  return row === undefined ? null : asAlert(row)
}

/** Open alerts outside of maintenance, by severity: what `/healthz` and the first line of the page speak of. */
export function openCounts(database: DatabaseSync): Record<Severity, number> {
  const counts: Record<Severity, number> = { info: 0, low: 0, medium: 0, high: 0, critical: 0 }
  const rows = database
    .prepare(
      `SELECT severity, count(*) AS n FROM alerts WHERE state = 'open' AND pause IS NULL GROUP BY severity`,
    )
    .all()
  for (const row of rows) counts[severityName(row['severity'])] = Number(row['n'])
  return counts
}

/** Open alerts outside of maintenance, by container name; the empty name is the host. */
export function openByContainer(database: DatabaseSync): Map<string, { count: number; worst: Severity }> {
  const rows = database
    .prepare(
      `SELECT coalesce(container, '') AS name, count(*) AS n, max(severity) AS worst FROM alerts
       WHERE state = 'open' AND pause IS NULL GROUP BY container`,
    )
    .all()
  return new Map(
    rows.map((row) => [String(row['name']), { count: Number(row['n']), worst: severityName(row['worst']) }]),
  )
}

function asAlert(row: Row): Alert {
  const cause = numberOrNull(row, 'cause_present')
  const pause = numberOrNull(row, 'pause')
  const acknowledgedAt = numberOrNull(row, 'acknowledged_at')
  return {
    id: String(numberOf(row, 'id')),
    state: acknowledgedAt === null ? 'open' : 'acknowledged',
    severity: severityName(row['severity']),
    summary: textOf(row, 'summary'),
    container: textOrNull(row, 'container'),
    firstAt: time(numberOf(row, 'first_at')),
    lastAt: time(numberOf(row, 'last_at')),
    count: numberOf(row, 'count'),
    causePresent: cause === null ? null : cause === 1,
    findings: numberOf(row, 'findings'),
    suppressed: numberOf(row, 'suppressed'),
    containerId: textOrNull(row, 'container_id'),
    image: textOrNull(row, 'image'),
    engine: textOrNull(row, 'engine'),
    reasons: (JSON.parse(textOf(row, 'facts')) as AlertFacts).reasons,
    previous: numberOrNull(row, 'previous')?.toString() ?? null,
    maintenance: pause === null ? null : { id: String(pause), reason: textOf(row, 'pause_reason') },
    acknowledged:
      acknowledgedAt === null
        ? null
        : {
            at: time(acknowledgedAt),
            by: textOf(row, 'acknowledged_by'),
            reason: textOf(row, 'acknowledged_reason'),
          },
  }
}

function severityName(index: unknown): Severity {
  return severities[Number(index)] ?? 'critical'
}

function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

function parsePosition(before: string | null): [number, number] | null {
  const match = before === null ? null : /^(\d{1,16})-(\d{1,15})$/.exec(before)
  return match === null ? null : [Number(match[1]), Number(match[2])]
}
