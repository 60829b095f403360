import type { Alert } from '../alerts/alert.ts'
import type { Channel } from '../alerts/channels.ts'
import type { Deliverer } from '../alerts/deliver.ts'
import type { AlertStore } from '../alerts/store.ts'
import type { Config } from './config.ts'
import type { Health } from './health.ts'
import type { Live } from './live.ts'
import type { Monitor } from './monitor.ts'
import type { SensorLink } from './sensor-link.ts'

/** What every route may use: the parts of a running watch. */
export interface Watch {
  readonly store: AlertStore
  readonly sensor: SensorLink
  readonly monitor: Monitor
  readonly deliverer: Deliverer
  readonly channels: readonly Channel[]
  readonly config: Config
  readonly live: Live
  readonly host: string
  /** Watch's own state folder. */
  readonly stateDir: string
  readonly startedAt: number
  readonly now: () => number
  readonly health: () => Health
  /** Somebody tried a wrong token: at most one entry of the journal a minute. */
  readonly loginRefused: (client: string) => void
  /** An alert was acknowledged: its evidence is let go, and channels that keep state hear of it. */
  readonly acknowledged: (alert: Alert, unneededEvidence: readonly string[]) => void
}
