import type { JournalEntry, JournalHead } from '../../alerts/journal.ts'
import { type ChannelState, channelStates } from '../../alerts/outbox.ts'
import { listPauses, type Pause } from '../../alerts/pauses.ts'
import { sizeBytes } from '../../alerts/retention.ts'
import { version } from '../../lib/version.ts'
import type { SensorStatus } from '../../protocol/answers.ts'
import type { Severity } from '../../protocol/findings.ts'
import type { Problem } from '../health.ts'
import { systemPage } from '../pages/system.ts'
import { defineView } from './route.ts'

export interface System {
  readonly version: 1
  readonly problems: readonly Problem[]
  readonly watch: {
    readonly version: string
    readonly startedAt: string
    readonly memoryBytes: number
    readonly databaseBytes: number
    readonly pagesOpen: number
  }
  readonly sensor: {
    readonly silentSince: string | null
    readonly problem: string | null
    readonly status: SensorStatus | null
  }
  readonly channels: readonly (ChannelState & { readonly type: string; readonly severity: Severity })[]
  readonly pauses: readonly Pause[]
  readonly journal: { readonly head: JournalHead; readonly entries: readonly JournalEntry[] }
}

const JOURNAL_ENTRIES = 30

export const system = defineView<System>({
  page: '/system',
  api: '/system',
  right: 'read',
  summary: 'How Paddock itself is: the sensor and its sources, channels, maintenance, the journal',
  query: {},
  schema: 'System',
  data(watch) {
    const { store, sensor, monitor, channels, live, now } = watch
    const states = channelStates(
      store.database,
      channels.map(({ name }) => name),
    )
    return {
      version: 1,
      problems: watch.health().problems,
      watch: {
        version,
        startedAt: new Date(watch.startedAt).toISOString(),
        memoryBytes: process.memoryUsage.rss(),
        databaseBytes: sizeBytes(store.database),
        pagesOpen: live.size,
      },
      sensor: {
        silentSince: sensor.silentSince === null ? null : new Date(sensor.silentSince).toISOString(),
        problem: sensor.problem,
        status: monitor.status,
      },
      channels: states.map((state, index) => ({
        ...state,
        type: channels[index]?.type ?? '',
        severity: channels[index]?.severity ?? 'info',
      })),
      pauses: listPauses(store.database, now(), 20),
      journal: { head: store.journal.head(), entries: store.journal.entries(JOURNAL_ENTRIES) },
    }
  },
  title: () => 'System',
  body: systemPage,
})
