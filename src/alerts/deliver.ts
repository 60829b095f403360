import { severities } from '../protocol/findings.ts'
import type { Channel } from './channels.ts'
import type { Notice, NoticeItem } from './notify/notice.ts'
import { due, markFailed, markSent, nextDueAt, type OutboxItem, retryNow } from './outbox.ts'
import { alertById } from './query.ts'
import type { AlertStore } from './store.ts'

/** The first notice of news goes at once; what comes within this time after it goes together. */
const GATHER_MS = 2000
const SEND_TIMEOUT_MS = 15_000
/** Between tries: then this last one again and again. */
const BACK_OFF_MS = [2000, 10_000, 30_000, 120_000, 600_000, 1_800_000]
const GIVE_UP_MS = 3 * 86_400_000
const DIGEST_ALERTS = 30
const BATCH_ITEMS = 5000
/** A channel that failed so often in a row is trouble of its own. */
const FAILING_FROM = 3

export interface DelivererOptions {
  readonly store: AlertStore
  readonly channels: readonly Channel[]
  readonly host: string
  readonly pageUrl: string | null
  /** Called once when a channel keeps failing, and once when it works again. */
  onFailing(channel: Channel, error: string): void
  onRecovered(channel: Channel): void
  /** Shorter in tests. */
  readonly gatherMs?: number
  readonly backOffMs?: readonly number[]
}

/** Empties the outbox: each channel on its own, at least once, with back-off, several together where there are many. */
export class Deliverer implements AsyncDisposable {
  readonly #options: DelivererOptions
  readonly #ending = new AbortController()
  readonly #wake = new Map<string, () => void>()
  readonly #failures = new Map<string, number>()
  /** When each channel may be used again. */
  readonly #notBefore = new Map<string, number>()
  readonly #loops: Promise<void>[]

  constructor(options: DelivererOptions) {
    this.#options = options
    this.#loops = options.channels.map((channel) => this.#loop(channel))
  }

  /** Something was put into the outbox. */
  kick(): void {
    for (const wake of this.#wake.values()) wake()
  }

  /** Sends a test at once, past the outbox; where it works, what waits goes too. Rejects with the channel's own error. */
  async test(channel: Channel): Promise<void> {
    const signal = AbortSignal.any([this.#ending.signal, AbortSignal.timeout(SEND_TIMEOUT_MS)])
    const { database, now } = this.#options.store
    try {
      await channel.kind.send(channel.settings, this.#notice([], 0, [], true), signal)
      markSent(database, channel.name, [], now())
      retryNow(database, channel.name, now())
      if ((this.#failures.get(channel.name) ?? 0) >= FAILING_FROM) this.#options.onRecovered(channel)
      this.#failures.set(channel.name, 0)
      this.#notBefore.delete(channel.name)
      this.kick()
    } catch (error) {
      const times = { now: now(), dueAt: now(), giveUpBefore: 0 }
      markFailed(database, channel.name, [], { error: messageOf(error), ...times })
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort()
    this.kick()
    await Promise.all(this.#loops)
  }

  async #loop(channel: Channel): Promise<void> {
    const { database, now } = this.#options.store
    const gatherMs = this.#options.gatherMs ?? GATHER_MS
    while (!this.#ending.signal.aborted) {
      const dueAt = nextDueAt(database, channel.name)
      const notBefore = this.#notBefore.get(channel.name) ?? 0
      const waitMs = dueAt === null ? null : Math.max(dueAt, notBefore) - now()
      if (waitMs === null || waitMs > 0) {
        await this.#sleep(channel.name, waitMs)
        continue
      }
      // A receiver that keeps state of its own gets every alert; people get the worst ones and a number.
      const items = due(
        database,
        channel.name,
        now(),
        channel.kind.followsState ? DIGEST_ALERTS : BATCH_ITEMS,
      )
      const backOffMs = await this.#send(channel, items)
      // That something was acknowledged, or is still open, must not hold up what is found a moment later.
      const isNews = items.some(({ event }) => event === 'opened' || event === 'worse')
      this.#notBefore.set(channel.name, now() + Math.max(isNews ? gatherMs : 0, backOffMs))
    }
  }

  /** @returns how long to leave the channel alone, milliseconds; 0 when it worked */
  async #send(channel: Channel, items: readonly OutboxItem[]): Promise<number> {
    const { store } = this.#options
    const ids = items.map(({ id }) => id)
    const all = this.#noticeItems(items)
    const notice = this.#notice(
      all.slice(0, DIGEST_ALERTS),
      Math.max(0, all.length - DIGEST_ALERTS),
      ids,
      false,
    )
    const signal = AbortSignal.any([this.#ending.signal, AbortSignal.timeout(SEND_TIMEOUT_MS)])
    const failures = this.#failures.get(channel.name) ?? 0
    try {
      if (all.length > 0) await channel.kind.send(channel.settings, notice, signal)
      markSent(store.database, channel.name, ids, store.now())
      this.#failures.set(channel.name, 0)
      if (failures >= FAILING_FROM) this.#options.onRecovered(channel)
      return 0
    } catch (error) {
      // Being told to end is no failure of the channel; the items wait in the outbox.
      if (this.#ending.signal.aborted) return 0
      const backOff = this.#options.backOffMs ?? BACK_OFF_MS
      const delay = backOff[Math.min(failures, backOff.length - 1)] ?? 0
      markFailed(store.database, channel.name, ids, {
        error: messageOf(error),
        now: store.now(),
        dueAt: store.now() + delay,
        giveUpBefore: store.now() - GIVE_UP_MS,
      })
      this.#failures.set(channel.name, failures + 1)
      if (failures + 1 === FAILING_FROM) this.#options.onFailing(channel, messageOf(error))
      return delay
    }
  }

  /** The alerts as they stand now, each once with its latest event, worst first. */
  #noticeItems(items: readonly OutboxItem[]): NoticeItem[] {
    const events = new Map<number, NoticeItem['event']>()
    for (const { alert, event } of items) if (alert !== null && event !== 'test') events.set(alert, event)
    return [...events]
      .map(([id, event]) => ({ event, alert: alertById(this.#options.store.database, String(id)) }))
      .filter((item): item is NoticeItem => item.alert !== null)
      .sort((a, b) => severities.indexOf(b.alert.severity) - severities.indexOf(a.alert.severity))
  }

  #notice(items: readonly NoticeItem[], more: number, deliveries: readonly number[], test: boolean): Notice {
    const { store, host, pageUrl } = this.#options
    const { seq, hash } = store.journal.head()
    return {
      deliveries: deliveries.slice(0, 100),
      at: new Date(store.now()).toISOString(),
      host,
      test,
      items,
      more,
      pageUrl,
      journal: `${seq}:${hash}`,
    }
  }

  async #sleep(name: string, ms: number | null): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer)
        this.#wake.delete(name)
        resolve()
      }
      // Never longer than a minute: the clock may be set meanwhile.
      const timer = setTimeout(done, Math.min(ms ?? 60_000, 60_000))
      this.#wake.set(name, done)
      if (this.#ending.signal.aborted) done()
    })
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
