import { setTimeout as sleep } from 'node:timers/promises'
import { announce, type Channel, renew } from '../alerts/channels.ts'
import { openCauses, setCausePresent } from '../alerts/causes.ts'
import { channelStates } from '../alerts/outbox.ts'
import { prune, type RetentionLimits } from '../alerts/retention.ts'
import type { AlertStore, OwnTrouble } from '../alerts/store.ts'
import { UserError } from '../lib/errors.ts'
import type { ContainerStatus, SensorStatus } from '../protocol/answers.ts'
import type { Cause } from '../protocol/requests.ts'
import type { SensorLink } from './sensor-link.ts'

const SILENCE_LOOK_MS = 2000
/** All that is asked is asked at once: a sensor at rest is woken by each question, which costs it more than the answer. */
const ASK_MS = 5000
const CAUSES_ALERTS = 50
const PRUNE_MS = 600_000
const MAX_CONTAINERS = 5000
/** The supervisor has the sensor back within a second; longer is worth an alert. */
const SILENT_ALERT_MS = 10_000
const MAX_FINDINGS = 20_000_000

/** Reasons of watch's own trouble: whether it still stands is known here. */
export const SENSOR_SILENT = 'sensor-silent'
export const CHANNEL_FAILING = 'channel-failing:'
export const FINDINGS_MISSING = 'findings-missing'

export interface MonitorOptions {
  readonly store: AlertStore
  readonly sensor: SensorLink
  readonly channels: readonly Channel[]
  readonly limits: Omit<RetentionLimits, 'maxFindings'>
  /** Something was recorded, learnt or let go: pages may be stale. */
  readonly onChange: () => void
  /** Something was put into the outbox. */
  readonly onOutbox: () => void
}

/** Looks at what does not come by itself: the sensor's state, its containers, whether causes are still there. */
export class Monitor implements AsyncDisposable {
  readonly #options: MonitorOptions
  readonly #ending = new AbortController()
  readonly #loops: Promise<void>[]
  #status: SensorStatus | null = null
  #containers: readonly ContainerStatus[] = []
  #silentAlerted = false

  constructor(options: MonitorOptions) {
    this.#options = options
    this.#loops = [
      this.#every(SILENCE_LOOK_MS, () => this.#watchSilence()),
      this.#every(ASK_MS, () => this.#ask()),
      this.#every(PRUNE_MS, () => this.#prune()),
      ...options.channels.flatMap((channel) => {
        const { renewMs } = channel.kind
        if (renewMs === undefined) return []
        return [this.#every(renewMs, () => this.#renew(channel))]
      }),
    ]
  }

  /** As last told, at most a few seconds ago while the sensor speaks; null before that. */
  get status(): SensorStatus | null {
    return this.#status
  }

  get containers(): readonly ContainerStatus[] {
    return this.#containers
  }

  /** Records trouble of watch's own, and tells of it. */
  trouble(trouble: OwnTrouble): void {
    const { store, channels, onOutbox, onChange } = this.#options
    store.recordOwn(trouble, (recorded) => {
      announce(store, channels, recorded)
    })
    onOutbox()
    onChange()
  }

  /** Reads the sensor's state now, not at the next turn. */
  async refresh(): Promise<void> {
    await this.#tolerant(() => this.#readStatus())
    await this.#tolerant(() => this.#readContainers())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort()
    await Promise.all(this.#loops)
  }

  async #every(ms: number, work: () => Promise<void> | void): Promise<void> {
    const { signal } = this.#ending
    while (!signal.aborted) {
      await this.#tolerant(work)
      await sleep(ms, undefined, { signal }).catch(() => undefined)
    }
  }

  /** The sensor did not answer: that it is silent is told by the link, and by #watchSilence. */
  async #tolerant(work: () => Promise<void> | void): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!(error instanceof UserError)) throw error
    }
  }

  async #ask(): Promise<void> {
    const looks = [() => this.#readStatus(), () => this.#readContainers(), () => this.#checkCauses()]
    await Promise.all(looks.map((look) => this.#tolerant(look)))
  }

  async #readStatus(): Promise<void> {
    this.#watchSilence()
    if (this.#options.sensor.silentSince !== null) return
    const before = this.#status
    this.#status = await this.#options.sensor.ask('status', {})
    if (stateOf(before) !== stateOf(this.#status)) this.#options.onChange()
  }

  async #readContainers(): Promise<void> {
    if (this.#options.sensor.silentSince !== null) return
    const containers: ContainerStatus[] = []
    for (;;) {
      const page = await this.#options.sensor.ask('containers', { offset: containers.length })
      containers.push(...page.items)
      if (page.items.length === 0 || containers.length >= Math.min(page.total, MAX_CONTAINERS)) break
    }
    const changed = JSON.stringify(containers) !== JSON.stringify(this.#containers)
    this.#containers = containers
    if (changed) this.#options.onChange()
  }

  #watchSilence(): void {
    const { sensor, store } = this.#options
    const since = sensor.silentSince
    if (since === null) {
      this.#silentAlerted = false
      return
    }
    if (this.#silentAlerted || store.now() - since < SILENT_ALERT_MS) return
    this.#silentAlerted = true
    const why = sensor.problem === null ? '' : `: ${sensor.problem}`
    this.trouble({
      reason: SENSOR_SILENT,
      severity: 'critical',
      summary: `the sensor is silent since ${new Date(since).toISOString()}: nothing is being watched${why}`,
    })
  }

  async #checkCauses(): Promise<void> {
    const { store, sensor, onChange } = this.#options
    let changed = false
    for (const { alert, causes } of openCauses(store.database, CAUSES_ALERTS)) {
      const own = causes.map((cause) => this.#ownCause(cause))
      const asked = causes.filter((_, index) => own[index] === undefined)
      const answers =
        asked.length === 0 || sensor.silentSince !== null
          ? []
          : (await sensor.ask('present', { causes: asked })).present
      let next = 0
      const present = own.map((answer) => (answer === undefined ? (answers[next++] ?? null) : answer))
      changed = setCausePresent(store.database, alert, present, store.now()) || changed
    }
    if (changed) onChange()
  }

  /** @returns undefined: not watch's own, the sensor is to be asked */
  #ownCause(cause: Cause): boolean | null | undefined {
    if (cause.kind !== 'trouble') return undefined
    const { sensor, store } = this.#options
    if (cause.reason === SENSOR_SILENT) return sensor.silentSince !== null
    if (cause.reason === FINDINGS_MISSING) return false
    if (!cause.reason.startsWith(CHANNEL_FAILING)) return undefined
    const name = cause.reason.slice(CHANNEL_FAILING.length)
    return (channelStates(store.database, [name])[0]?.failures ?? 0) > 0
  }

  async #prune(): Promise<void> {
    const { store, limits } = this.#options
    const all = { ...limits, maxFindings: MAX_FINDINGS }
    while (!this.#ending.signal.aborted && prune(store.database, store.journal, all, store.now()).more) {
      // Between two steps findings are stored and pages answered.
      await sleep(50, undefined, { signal: this.#ending.signal }).catch(() => undefined)
    }
  }

  #renew(channel: Channel): Promise<void> {
    renew(this.#options.store, channel)
    this.#options.onOutbox()
    return Promise.resolve()
  }
}

/** What of the sensor's state a page shows at a glance. */
function stateOf(status: SensorStatus | null): string {
  return JSON.stringify([status?.selfTest?.ok, status?.parts, status?.lastSweep?.at])
}
