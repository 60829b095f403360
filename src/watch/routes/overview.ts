import type { Alert } from '../../alerts/alert.ts'
import { listAlerts, openCounts } from '../../alerts/query.ts'
import type { Severity } from '../../protocol/findings.ts'
import { type ContainerLine, containerLines } from '../containers.ts'
import type { Problem } from '../health.ts'
import { overviewPage } from '../pages/overview.ts'
import { defineView } from './route.ts'

export interface Overview {
  readonly version: 1
  readonly host: string
  readonly ok: boolean
  readonly line: string
  readonly problems: readonly Problem[]
  readonly open: Readonly<Record<Severity, number>>
  readonly sensor: {
    readonly silentSince: string | null
    readonly lastSweepAt: string | null
    readonly selfTest: { readonly at: string; readonly ok: boolean; readonly detail: string } | null
  }
  readonly containers: readonly ContainerLine[]
  /** The latest open ones. */
  readonly alerts: readonly Alert[]
}

const SHOWN_ALERTS = 8

export const overview = defineView<Overview>({
  page: '/',
  api: '/overview',
  right: 'read',
  summary: 'Whether all is well, the containers, and the latest open alerts',
  query: {},
  schema: 'Overview',
  data(watch) {
    const { status } = watch.monitor
    const { silentSince } = watch.sensor
    return {
      version: 1,
      host: watch.host,
      ...watch.health(),
      open: openCounts(watch.store.database),
      sensor: {
        silentSince: silentSince === null ? null : new Date(silentSince).toISOString(),
        lastSweepAt: status?.lastSweep?.at ?? null,
        selfTest: status?.selfTest ?? null,
      },
      containers: containerLines(watch),
      alerts: listAlerts(watch.store.database, { state: 'open' }, SHOWN_ALERTS).alerts,
    }
  },
  title: () => 'Overview',
  body: overviewPage,
})
