import { setTimeout as sleep } from 'node:timers/promises'
import { openEvidence } from '../alerts/acknowledge.ts'
import type { Alongside, Recorded } from '../alerts/record.ts'
import type { AlertStore } from '../alerts/store.ts'
import { UserError } from '../lib/errors.ts'
import type { Finding } from '../protocol/findings.ts'
import type { Hello } from '../protocol/messages.ts'
import { type AnswerTo, PIN_MAX_HASHES, type RequestBodies, type RequestType } from '../protocol/requests.ts'
import { type Committed, SensorConnection } from './sensor-connection.ts'

const RECONNECT_MS = [100, 200, 500, 1000, 2000]
const STORE_RETRY_MS = 1000

export interface SensorLinkOptions {
  readonly socketPath: string
  readonly store: AlertStore
  /** Within the transaction of each commit: a kill right after it must not cost a notice. */
  readonly onRecording: Alongside
  /** After each commit. */
  readonly onRecorded: (recorded: Recorded) => void
  /** The connection came or went, or findings can be stored again or no more. */
  readonly onState: () => void
}

/**
 * Receives the sensor's findings, commits them, pins their evidence and only then acknowledges. Reconnects for ever;
 * where it stands is data for `/healthz`, not an error.
 */
export class SensorLink implements AsyncDisposable {
  readonly #options: SensorLinkOptions
  readonly #ending = new AbortController()
  readonly #running: Promise<void>
  #connection: SensorConnection | null = null
  #silentSince: number | null
  #problem: string | null = null
  #storeProblem: string | null = null

  constructor(options: SensorLinkOptions) {
    this.#options = options
    this.#silentSince = options.store.now()
    this.#running = this.#run()
  }

  /** Milliseconds since the epoch; null while the sensor speaks. */
  get silentSince(): number | null {
    return this.#silentSince
  }

  /** Why the sensor is silent, one sentence. */
  get problem(): string | null {
    return this.#problem
  }

  /** Why findings cannot be stored, one sentence; null while they can. */
  get storeProblem(): string | null {
    return this.#storeProblem
  }

  get hello(): Hello | null {
    return this.#connection?.hello ?? null
  }

  /** Asks the sensor. Rejects with a UserError when it is silent, refuses, or does not answer in time. */
  async ask<K extends RequestType>(type: K, body: RequestBodies[K]): Promise<AnswerTo<K>> {
    if (this.#connection === null) throw new UserError('the sensor cannot be asked: it is silent')
    return this.#connection.ask(type, body)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort()
    this.#connection?.end('watch ends')
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending
    for (let attempt = 0; !signal.aborted; attempt++) {
      if (await this.#converse()) attempt = 0
      const delay = RECONNECT_MS[Math.min(attempt, RECONNECT_MS.length - 1)]
      await sleep(delay, undefined, { signal }).catch(() => undefined)
    }
  }

  /** One connection, from its beginning to its end. @returns whether the sensor spoke at all */
  async #converse(): Promise<boolean> {
    const { socketPath, store } = this.#options
    const connection: SensorConnection = new SensorConnection(socketPath, {
      onReady: () => {
        this.#connection = connection
        this.#setSilent(null, null)
        void this.#subscribe(connection)
      },
      onFindings: (findings) => this.#commit(connection.hello?.spool ?? '', findings),
    })
    const end = () => {
      connection.end('watch ends')
    }
    this.#ending.signal.addEventListener('abort', end)
    const problem = await connection.ended
    this.#ending.signal.removeEventListener('abort', end)
    this.#connection = null
    if (!this.#ending.signal.aborted) this.#setSilent(this.#silentSince ?? store.now(), problem)
    return connection.hello !== null
  }

  async #subscribe(connection: SensorConnection): Promise<void> {
    const { store } = this.#options
    const spool = connection.hello?.spool ?? ''
    try {
      // What the last life committed and did not pin: evidence must not go before its alert does.
      let after: string | undefined = ''
      while (after !== undefined) {
        const sha256s = openEvidence(store.database, after, PIN_MAX_HASHES)
        if (sha256s.length > 0) await connection.ask('pin', { sha256s })
        after = sha256s.length < PIN_MAX_HASHES ? undefined : sha256s.at(-1)
      }
      const from = store.lastNumber(spool) + 1
      const { next } = await connection.ask('subscribe', { from, mode: 'receive' })
      if (next >= from) return
      // The spool was put back from a copy: the numbers to come are those of other findings.
      store.retireSpool(spool, next)
      connection.end('its numbers went back: they are read anew')
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      connection.end(error.message)
    }
  }

  /** While the disk is full it tries again; nothing more is read meanwhile. @returns null when it is time to end */
  async #commit(spool: string, findings: readonly Finding[]): Promise<Committed | null> {
    const { store } = this.#options
    while (!this.#ending.signal.aborted) {
      try {
        const recorded = store.record(spool, findings, this.#options.onRecording)
        this.#setStoreProblem(null)
        this.#options.onRecorded(recorded)
        return { lastNumber: findings.at(-1)?.number ?? recorded.lastNumber, evidence: recorded.evidence }
      } catch (error) {
        if (!isStorageError(error)) throw error
        this.#setStoreProblem(error.message)
        await sleep(STORE_RETRY_MS, undefined, { signal: this.#ending.signal }).catch(() => undefined)
      }
    }
    return null
  }

  #setSilent(since: number | null, problem: string | null): void {
    const changed = this.#silentSince !== since || this.#problem !== problem
    this.#silentSince = since
    this.#problem = problem
    if (changed) this.#options.onState()
  }

  #setStoreProblem(problem: string | null): void {
    const changed = this.#storeProblem !== problem
    this.#storeProblem = problem
    if (changed) this.#options.onState()
  }
}

/** SQLITE_BUSY, READONLY, IOERR, FULL, CANTOPEN: it may pass. Anything else of SQLite's is a bug. */
function isStorageError(error: unknown): error is Error {
  return (
    error instanceof Error && 'errcode' in error && [5, 8, 10, 13, 14].includes(Number(error.errcode) & 0xff)
  )
}
