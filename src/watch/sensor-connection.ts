import { connect, type Socket } from 'node:net'
import { UserError } from '../lib/errors.ts'
import { decodeMessage, encodeRequest, lineSplitter } from '../protocol/codec.ts'
import type { Finding } from '../protocol/findings.ts'
import { HEARTBEAT_MS, type Hello, type Message, PROTOCOL } from '../protocol/messages.ts'
import {
  type AnswerTo,
  PIN_MAX_HASHES,
  type Request,
  type RequestBodies,
  type RequestType,
} from '../protocol/requests.ts'

/** Heard nothing for so long, two heartbeats and more: the sensor hangs. */
const SILENCE_MS = 2.5 * HEARTBEAT_MS
const ANSWER_TIMEOUT_MS = 10_000
/** Findings given on at once at most; and how many may wait before the socket is read no further. */
const BATCH_FINDINGS = 500
const WAITING_FINDINGS = 2000
/** The table of requests lets 200 acknowledgements a second pass. */
const ACKNOWLEDGE_MS = 10

export interface ConnectionEvents {
  /** The sensor has said hello. */
  readonly onReady: () => void
  /** Resolves with what may be acknowledged now, or null when it is time to end. */
  readonly onFindings: (findings: readonly Finding[]) => Promise<Committed | null>
}

export interface Committed {
  readonly lastNumber: number
  /** Hashes to pin before that. */
  readonly evidence: readonly string[]
}

interface Asked {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

/** One connection to the sensor: lines in, requests out, and what is outstanding. */
export class SensorConnection {
  /** Why it ended, one sentence; resolves when the socket is closed and the last batch is done with. */
  readonly ended: Promise<string>
  hello: Hello | null = null
  readonly #socket: Socket
  readonly #events: ConnectionEvents
  readonly #asked = new Map<number, Asked>()
  #waiting: Finding[] = []
  #handing: Promise<void> | null = null
  #nextId = 1
  #problem: string | null = null
  #unacknowledged: Committed | null = null
  #acknowledgeTimer: NodeJS.Timeout | null = null

  constructor(socketPath: string, events: ConnectionEvents) {
    this.#events = events
    this.#socket = connect({ path: socketPath })
    this.ended = this.#follow(this.#socket)
  }

  /** Ends it; `problem` is what `ended` will say. */
  end(problem: string): void {
    this.#problem ??= problem
    this.#socket.destroy()
  }

  /** Rejects with a UserError when it is refused, not answered in time, or the connection ends. */
  ask<K extends RequestType>(type: K, body: RequestBodies[K]): Promise<AnswerTo<K>> {
    if (this.#socket.destroyed)
      return Promise.reject(new UserError('the sensor cannot be asked: it is silent'))
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#settle(id)?.reject(new UserError(`the sensor did not answer '${type}' in time`))
      }, ANSWER_TIMEOUT_MS)
      // messages.ts has checked the answer against its shape before it gets here.
      this.#asked.set(id, { resolve: resolve as Asked['resolve'], reject, timer })
      this.#socket.write(encodeRequest({ type, id, ...body } as unknown as Request))
    })
  }

  #follow(socket: Socket): Promise<string> {
    const split = lineSplitter()
    socket.setTimeout(SILENCE_MS, () => {
      this.end(`it has not been heard of for ${SILENCE_MS / 1000} seconds`)
    })
    socket.on('data', (chunk: Buffer) => {
      const { lines, oversized } = split(chunk)
      for (const line of lines) this.#receive(line)
      if (oversized) this.end('it sent a line that is too long')
    })
    return new Promise((resolve) => {
      socket.on('error', (error: NodeJS.ErrnoException) => {
        this.#problem ??= `its socket cannot be reached (${error.code ?? error.message})`
      })
      socket.on('close', () => {
        const problem = this.#problem ?? 'it closed the connection'
        clearTimeout(this.#acknowledgeTimer ?? undefined)
        for (const id of [...this.#asked.keys()])
          this.#settle(id)?.reject(new UserError(`the sensor: ${problem}`))
        void Promise.resolve(this.#handing).finally(() => {
          resolve(problem)
        })
      })
    })
  }

  #receive(line: Buffer): void {
    const decoded = decodeMessage(line)
    if (!decoded.ok) this.end(`it sent what is not of the protocol: ${decoded.detail}`)
    else if (this.hello === null && decoded.value.type !== 'hello') this.end('it did not say hello')
    else this.#handle(decoded.value)
  }

  #handle(message: Message): void {
    switch (message.type) {
      case 'hello':
        if (message.protocol !== PROTOCOL) {
          this.end(`it speaks protocol ${message.protocol}, this watch ${PROTOCOL}: one of both is older`)
          return
        }
        this.hello = message
        this.#events.onReady()
        return
      case 'finding':
        this.#waiting.push(message.finding)
        if (this.#waiting.length >= WAITING_FINDINGS) this.#socket.pause()
        this.#handing ??= this.#handOn()
        return
      case 'answer':
        this.#settle(message.id)?.resolve(message.value)
        return
      case 'failed':
        this.#settle(message.id)?.reject(
          new UserError(`the sensor cannot answer '${message.to}': ${message.detail}`),
        )
        return
      case 'closing':
        this.#problem ??= `it closed the connection: ${message.detail}`
        return
      case 'heartbeat':
    }
  }

  async #handOn(): Promise<void> {
    // What the same piece of the stream brings is handed on together.
    await new Promise(setImmediate)
    while (this.#waiting.length > 0) {
      const committed = await this.#events.onFindings(this.#waiting.splice(0, BATCH_FINDINGS))
      if (committed === null) break
      this.#acknowledge(committed)
      if (this.#waiting.length < WAITING_FINDINGS) this.#socket.resume()
    }
    this.#handing = null
  }

  /** Now, or together with what comes within the next moment. No answer is waited for: the socket may be paused. */
  #acknowledge(committed: Committed): void {
    const evidence = [...(this.#unacknowledged?.evidence ?? []), ...committed.evidence]
    this.#unacknowledged = { lastNumber: committed.lastNumber, evidence }
    if (this.#acknowledgeTimer !== null) return
    this.#sendAcknowledgement()
    this.#acknowledgeTimer = setTimeout(() => {
      this.#acknowledgeTimer = null
      this.#sendAcknowledgement()
    }, ACKNOWLEDGE_MS)
  }

  #sendAcknowledgement(): void {
    if (this.#unacknowledged === null) return
    const { lastNumber, evidence } = this.#unacknowledged
    this.#unacknowledged = null
    const sent: Promise<unknown>[] = []
    // The sensor takes requests in their order: pinned before it may be forgotten.
    for (let start = 0; start < evidence.length; start += PIN_MAX_HASHES) {
      sent.push(this.ask('pin', { sha256s: evidence.slice(start, start + PIN_MAX_HASHES) }))
    }
    sent.push(this.ask('ack', { number: lastNumber }))
    Promise.all(sent).catch((error: unknown) => {
      this.end(error instanceof Error ? error.message : String(error))
    })
  }

  #settle(id: number): Asked | undefined {
    const asked = this.#asked.get(id)
    this.#asked.delete(id)
    clearTimeout(asked?.timer)
    return asked
  }
}
