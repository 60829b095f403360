import { activity, type Activity } from '../../alerts/activity.ts'
import type { Alert } from '../../alerts/alert.ts'
import { listAlerts } from '../../alerts/query.ts'
import { UserError } from '../../lib/errors.ts'
import type { ChangeItem, Page, PolicyLine, ProcessItem } from '../../protocol/answers.ts'
import { type ContainerLine, containerLines } from '../containers.ts'
import { HttpError } from '../exchange.ts'
import { containerPage } from '../pages/container.ts'
import { defineView } from './route.ts'

export interface ContainerAnswer {
  readonly version: 1
  readonly name: string
  /** Null: it is gone, and only its alerts are left. */
  readonly container: ContainerLine | null
  readonly changes: Part<ChangeItem>
  readonly processes: Part<ProcessItem>
  readonly policy: Part<PolicyLine>
  readonly alerts: readonly Alert[]
  readonly activity: Activity
}

/** What the sensor answered, as far as it is shown. */
export interface Part<T> {
  readonly items: readonly T[]
  readonly omitted: number
  /** Why there is nothing; null: there is, or there is nothing to show. */
  readonly problem: string | null
}

const MAX_CHANGES = 2000
const MAX_PROCESSES = 500
const MAX_LINES = 500
const SHOWN_ALERTS = 20

export const container = defineView<ContainerAnswer>({
  page: '/containers/:name',
  api: '/containers/:name',
  right: 'read',
  summary: 'One container: its layer directory, its processes, its policy, its alerts',
  query: { hours: 'of the activity; 24 when absent' },
  schema: 'ContainerAnswer',
  async data(watch, { params, query }) {
    const wanted = params['name'] ?? ''
    const line = containerLines(watch).find(({ name, id }) => name === wanted || id === wanted) ?? null
    const name = line?.name ?? wanted
    const { database } = watch.store
    const { alerts } = listAlerts(database, { container: name }, SHOWN_ALERTS)
    if (line === null && alerts.length === 0) throw new HttpError(404, 'there is no container of that name')
    const id = line?.id
    const ask = <T>(what: (container: string, offset: number) => Promise<Page<T>>, max: number) =>
      id === undefined ? NOTHING : part((offset) => what(id, offset), max)
    const { sensor } = watch
    const [changes, processes, policy] = await Promise.all([
      ask((container, offset) => sensor.ask('changes', { container, offset }), MAX_CHANGES),
      ask((container, offset) => sensor.ask('processes', { container, offset }), MAX_PROCESSES),
      ask((container, offset) => sensor.ask('policy', { container, offset }), MAX_LINES),
    ])
    return {
      version: 1,
      name,
      container: line,
      changes,
      processes,
      policy,
      alerts,
      activity: activity(database, hoursOf(query['hours']), watch.now(), name),
    }
  },
  title: ({ name }) => name,
  body: containerPage,
})

export function hoursOf(text: string | undefined): number {
  const hours = text === undefined || text === '' ? 24 : Number(text)
  if (Number.isInteger(hours) && hours >= 1 && hours <= 24 * 400) return hours
  throw new HttpError(400, 'hours is a whole number from 1 to 9600')
}

const NOTHING: Part<never> = { items: [], omitted: 0, problem: null }

/** Page after page, up to a bound. */
async function part<T>(ask: (offset: number) => Promise<Page<T>>, max: number): Promise<Part<T>> {
  const items: T[] = []
  try {
    for (;;) {
      const page = await ask(items.length)
      items.push(...page.items)
      if (page.items.length === 0 || items.length >= Math.min(page.total, max)) {
        const shown = items.slice(0, max)
        return { items: shown, omitted: Math.max(0, page.total - shown.length), problem: null }
      }
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return { items, omitted: 0, problem: error.message }
  }
}
