import type { Socket } from 'node:net'
import { reasonOf } from '../../lib/errors.ts'
import { version } from '../../lib/version.ts'
import { answers, type RefusalReason } from '../../protocol/answers.ts'
import { decodeRequest, encodeMessage, lineSplitter } from '../../protocol/codec.ts'
import { HEARTBEAT_MS, type Message, PROTOCOL } from '../../protocol/messages.ts'
import { type Request, requests, type RequestType } from '../../protocol/requests.ts'
import type { SpoolRecord } from '../spool/record.ts'
import { onTick } from '../tick.ts'
import { answerTable, type Answering } from './answer.ts'
import { rateBucket } from './rate-bucket.ts'

export interface Connection {
  /** Says why in a last line, and closes. */
  end(reason: Extract<Message, { type: 'closing' }>['reason'], detail: string): void
}

export interface ConnectionEvents {
  /** What came broke the rules: the connection is being closed. */
  onRefused(reason: RefusalReason, detail: string): void
  /** It wants to be the one that findings are kept for. */
  onReceiver(): void
  onClosed(): void
}

/** Beyond this, nothing more is read from a side that does not read itself. */
const MAX_UNSENT_BYTES = 256 * 1024

/** A connection that neither asks nor subscribed is closed after this. */
const IDLE_MS = 60_000

/** Serves one connection: answers its requests in order, and sends findings as fast as the other side takes them. */
export function serveConnection(socket: Socket, answering: Answering, events: ConnectionEvents): Connection {
  const { spool, startedAt } = answering
  const split = lineSplitter()
  const buckets = new Map(
    Object.entries(requests).map(([type, { rate }]) => [type as RequestType, rateBucket(rate)]),
  )
  const waiting: Buffer[] = []
  let subscription: { receives: boolean; read(): readonly SpoolRecord[]; sent: number; stop(): void } | null =
    null
  let ended = false

  function say(message: Message): void {
    if (socket.writable) socket.write(encodeMessage(message))
  }

  function end(reason: Extract<Message, { type: 'closing' }>['reason'], detail: string): void {
    if (ended) return
    ended = true
    waiting.length = 0
    say({ type: 'closing', reason, detail })
    socket.end()
    // Whoever does not read the last line is not waited for.
    setTimeout(() => socket.destroy(), 1000).unref()
  }

  function refuse(reason: RefusalReason, detail: string): void {
    if (ended) return
    events.onRefused(reason, detail)
    end(reason, detail)
  }

  function take(line: Buffer): void {
    const decoded = decodeRequest(line)
    if (!decoded.ok) {
      refuse(decoded.reason, decoded.detail)
    } else if (buckets.get(decoded.value.type)?.() !== true) {
      refuse('too-frequent', `more '${decoded.value.type}' than the table allows`)
    } else {
      handle(decoded.value)
    }
  }

  function handle(request: Request): void {
    if (request.type === 'subscribe') subscribe(request)
    else if (request.type === 'ack') acknowledge(request)
    else ask(request)
  }

  function subscribe({ id, from, mode }: Extract<Request, { type: 'subscribe' }>): void {
    const { oldest, next } = spool.status()
    // The answer first: it says what the numbers that follow mean.
    say({ type: 'answer', id, to: 'subscribe', value: { spool: spool.id, oldest, next } })
    const stopListening = spool.onReadable(pump)
    const stopHeartbeat = onTick(() => {
      if (socket.writableLength > MAX_UNSENT_BYTES) return
      say({ type: 'heartbeat', at: new Date().toISOString(), next: spool.next() })
    }, HEARTBEAT_MS)
    subscription = {
      receives: mode === 'receive',
      read: spool.reader(from),
      sent: 0,
      stop: () => {
        stopHeartbeat()
        stopListening()
      },
    }
    socket.setTimeout(0)
    if (mode === 'receive') events.onReceiver()
    pump()
  }

  function acknowledge({ id, number }: Extract<Request, { type: 'ack' }>): void {
    if (subscription?.receives !== true) refuse('malformed', 'an ack from one that is not the receiver')
    else if (number > subscription.sent) refuse('malformed', 'an ack of a finding that was not sent')
    else {
      spool.ack(number)
      say({ type: 'answer', id, to: 'ack', value: { acked: spool.status().acked } })
    }
  }

  function ask(request: Exclude<Request, { type: 'subscribe' | 'ack' }>): void {
    const { id, type: to } = request
    try {
      // The row that takes this very type of request.
      const row = answerTable[to] as (request: Request, answering: Answering) => unknown
      const value = row(request, answering)
      const problem = value === null ? null : answers[to].check(value, to)
      if (value === null)
        say({ type: 'failed', id, to, reason: 'not-found', detail: 'there is no such thing' })
      else if (problem !== null) say({ type: 'failed', id, to, reason: 'unavailable', detail: problem })
      else say({ type: 'answer', id, to, value } as Message)
    } catch (error) {
      // The disk's errors are an answer; anything else is a bug.
      if (!(error instanceof Error && 'syscall' in error)) throw error
      say({ type: 'failed', id, to, reason: 'unavailable', detail: reasonOf(error) })
    }
  }

  /** Findings, until the other side has enough to read. */
  function pump(): void {
    while (subscription !== null && !ended && socket.writableLength < MAX_UNSENT_BYTES) {
      const records = subscription.read()
      const last = records.at(-1)
      if (last === undefined) return
      socket.write(Buffer.concat(records.flatMap(({ json }) => [FRAME_START, json, FRAME_END])))
      subscription.sent = last.number
    }
  }

  function work(): void {
    while (!ended && socket.writableLength < MAX_UNSENT_BYTES) {
      const line = waiting.shift()
      if (line === undefined) break
      take(line)
    }
    if (waiting.length > 0) socket.pause()
    else socket.resume()
  }

  socket.on('data', (chunk: Buffer) => {
    if (ended) return
    const { lines, oversized } = split(chunk)
    waiting.push(...lines)
    work()
    if (oversized) refuse('oversized', 'a line of more than 64 KiB')
  })
  socket.on('drain', () => {
    work()
    pump()
  })
  // The other side may die at any time: that closes, and is not an error of ours.
  socket.on('error', () => socket.destroy())
  socket.on('close', () => {
    ended = true
    subscription?.stop()
    events.onClosed()
  })
  socket.setTimeout(IDLE_MS, () => end('ending', 'nothing was asked for a minute'))
  const { id, first } = spool
  say({ type: 'hello', protocol: PROTOCOL, version, pid: process.pid, startedAt, spool: id, first })
  return { end }
}

const FRAME_START = Buffer.from('{"type":"finding","finding":')
const FRAME_END = Buffer.from('}\n')
