import type { Alert, AlertState } from '../../alerts/alert.ts'
import { type AlertFilter, type AlertPage, listAlerts } from '../../alerts/query.ts'
import { severities } from '../../protocol/findings.ts'
import { HttpError } from '../exchange.ts'
import { alertsPage } from '../pages/alerts.ts'
import { defineView, type Question } from './route.ts'

export interface Alerts extends AlertPage {
  readonly version: 1
  readonly alerts: readonly Alert[]
}

const PAGE_ALERTS = 50
const MAX_ALERTS = 500
const STATES = ['open', 'acknowledged', 'all'] as const

/** The page shows the open ones unless told otherwise; so does `paddock alerts ls`. */
export const alerts = defineView<Alerts>({
  page: '/alerts',
  api: '/alerts',
  right: 'read',
  summary: 'Alerts, the one with the latest finding first',
  query: {
    state: '`open` (when absent), `acknowledged` or `all`',
    severity: 'this severity and worse',
    container: 'only of the container of this name',
    search: 'part of the summary, the name, the image or a path',
    limit: `how many, at most ${MAX_ALERTS}; ${PAGE_ALERTS} when absent`,
    before: '`nextBefore` of the page before',
  },
  schema: 'Alerts',
  data: ({ store }, { query }) => ({
    version: 1,
    ...listAlerts(store.database, filterOf(query), limitOf(query['limit']), query['before'] ?? null),
  }),
  title: () => 'Alerts',
  body: alertsPage,
})

function filterOf(query: Question['query']): AlertFilter {
  const state = STATES.find((known) => known === (query['state'] || 'open'))
  const severity = severities.find((known) => known === query['severity'])
  if (state === undefined) throw new HttpError(400, `state is one of ${STATES.join(', ')}`)
  if (query['severity'] && severity === undefined) {
    throw new HttpError(400, `severity is one of ${severities.join(', ')}`)
  }
  return {
    ...(state === 'all' ? {} : { state: state satisfies AlertState }),
    ...(severity === undefined ? {} : { severity }),
    ...(query['container'] ? { container: query['container'] } : {}),
    ...(query['search'] ? { search: query['search'].slice(0, 200) } : {}),
  }
}

function limitOf(text: string | undefined): number {
  const limit = text === undefined ? PAGE_ALERTS : Number(text)
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_ALERTS) return limit
  throw new HttpError(400, `limit is a number from 1 to ${MAX_ALERTS}`)
}
