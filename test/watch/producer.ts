import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type {
  Answers,
  ChangeItem,
  ContainerStatus,
  PolicyLine,
  ProcessItem,
} from '../../src/protocol/answers.ts'
import { decodeRequest, encodeMessage, lineSplitter } from '../../src/protocol/codec.ts'
import type { Finding } from '../../src/protocol/findings.ts'
import { HEARTBEAT_MS, type Message, PROTOCOL } from '../../src/protocol/messages.ts'
import { type Cause, EVIDENCE_CHUNK_BYTES, type Request } from '../../src/protocol/requests.ts'
import { SENSOR_SOCKET } from '../../src/watch/start.ts'

export type NewFinding = Omit<Finding, 'version' | 'number' | 'at'> & { readonly at?: string }

/** What the producer tells of a container when watch asks. */
export interface ProducedContainer {
  readonly status: ContainerStatus
  readonly changes: readonly ChangeItem[]
  readonly processes: readonly ProcessItem[]
  readonly policy: readonly PolicyLine[]
}

/**
 * The sensor's side of the socket, without a sensor: it speaks the real protocol through the real codec, and sends
 * what a test gives it. For what watch makes of findings; that real changes become findings is for test/engine.
 */
export class Producer implements AsyncDisposable {
  readonly spool: string
  containers: ProducedContainer[] = []
  selfTestOk = true
  /** What its state says of findings that wait beyond those that were emitted, of those that it lost, of its last sweep and a part. */
  behind = 0
  lost = 0
  lastSweepAt: string | null = null
  layerWatchLost = false
  acked = 0
  present: (cause: Cause) => boolean | null = () => true
  readonly pinned = new Set<string>()
  readonly asked: Request['type'][] = []
  readonly #path: string
  readonly #kept: string[] = []
  readonly #evidence = new Map<string, Buffer>()
  readonly #receivers = new Set<Socket>()
  readonly #sockets = new Set<Socket>()
  readonly #startedAt = new Date().toISOString()
  readonly #server = createServer((socket) => {
    this.#serve(socket)
  })
  readonly #heartbeat = setInterval(() => {
    for (const socket of this.#receivers) {
      this.#say(socket, { type: 'heartbeat', at: new Date().toISOString(), next: this.next })
    }
  }, HEARTBEAT_MS)

  /** @param firstNumber of the first finding */
  constructor(runDir: string, spool = randomBytes(16).toString('hex')) {
    this.spool = spool
    this.#path = join(runDir, SENSOR_SOCKET)
  }

  async listen(): Promise<this> {
    rmSync(this.#path, { force: true })
    this.#server.listen(this.#path)
    await once(this.#server, 'listening')
    return this
  }

  /** Number of the next finding. */
  get next(): number {
    return this.#kept.length + 1
  }

  /** Sends findings, and keeps them for who asks again. @returns the number of the last */
  emit(...findings: readonly NewFinding[]): number {
    const lines = findings.map((finding) => {
      const numbered: Finding = { at: new Date().toISOString(), ...finding, version: 1, number: this.next }
      const line = encodeMessage({ type: 'finding', finding: numbered })
      this.#kept.push(line)
      return line
    })
    for (const socket of this.#receivers) socket.write(lines.join(''))
    return this.next - 1
  }

  /** @returns the reference that a finding carries */
  keep(bytes: Buffer): { sha256: string; size: number; truncated: boolean } {
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    this.#evidence.set(sha256, bytes)
    return { sha256, size: bytes.length, truncated: false }
  }

  /** Lets go of all connections, as a sensor does that dies. */
  drop(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#heartbeat)
    this.#server.close()
    this.drop()
    await once(this.#server, 'close')
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#sockets.delete(socket)
      this.#receivers.delete(socket)
    })
    this.#say(socket, {
      type: 'hello',
      protocol: PROTOCOL,
      version: '0.0.0',
      pid: process.pid,
      startedAt: this.#startedAt,
      spool: this.spool,
    })
    const split = lineSplitter()
    socket.on('data', (chunk: Buffer) => {
      for (const line of split(chunk).lines) {
        const decoded = decodeRequest(line)
        if (!decoded.ok) throw new Error(`watch asked what is not of the protocol: ${decoded.detail}`)
        this.#answer(socket, decoded.value)
      }
    })
  }

  #answer(socket: Socket, request: Request): void {
    this.asked.push(request.type)
    const value = this.#valueOf(request)
    if (value === null) {
      this.#say(socket, {
        type: 'failed',
        id: request.id,
        to: request.type,
        reason: 'not-found',
        detail: 'there is none',
      })
      return
    }
    this.#say(socket, { type: 'answer', id: request.id, to: request.type, value } as Message)
    if (request.type !== 'subscribe') return
    this.#receivers.add(socket)
    if (request.from !== null) socket.write(this.#kept.slice(request.from - 1).join(''))
  }

  #valueOf(request: Request): Answers[keyof Answers] | null {
    switch (request.type) {
      case 'subscribe':
        return { spool: this.spool, oldest: 1, next: this.next }
      case 'ack':
        this.acked = Math.max(this.acked, request.number)
        return { acked: this.acked }
      case 'pin':
        for (const sha256 of request.sha256s) this.pinned.add(sha256)
        return { found: request.sha256s.length }
      case 'unpin':
        for (const sha256 of request.sha256s) this.pinned.delete(sha256)
        return { found: request.sha256s.length }
      case 'evidence':
        return this.#chunk(request.sha256, request.offset)
      case 'status':
        return this.#status()
      case 'containers':
        return page(
          this.containers.map(({ status }) => status),
          request.offset,
        )
      case 'changes':
      case 'processes':
      case 'policy': {
        const found = this.containers.find(({ status }) => status.container.id === request.container)
        return found === undefined ? null : page(found[request.type] as readonly ChangeItem[], request.offset)
      }
      case 'present':
        return { present: request.causes.map((cause) => this.present(cause)) }
      case 'sweep':
        return { queued: true }
    }
  }

  #chunk(sha256: string, offset: number): Answers['evidence'] | null {
    const bytes = this.#evidence.get(sha256)
    if (bytes === undefined) return null
    const base64 = bytes.subarray(offset, offset + EVIDENCE_CHUNK_BYTES).toString('base64')
    return { size: bytes.length, offset, base64 }
  }

  #status(): Answers['status'] {
    const at = new Date().toISOString()
    return {
      at,
      version: '0.0.0',
      host: 'test',
      pid: process.pid,
      startedAt: this.#startedAt,
      memoryBytes: process.memoryUsage.rss(),
      spool: {
        id: this.spool,
        oldest: 1,
        next: this.next + this.behind,
        acked: this.acked,
        sizeBytes: 4096,
        quotaBytes: 1024 ** 3,
        lost: this.lost,
      },
      evidence: {
        files: this.#evidence.size,
        sizeBytes: 64,
        quotaBytes: 1024 ** 3,
        pinned: this.pinned.size,
        dropped: 0,
      },
      connections: {
        open: this.#sockets.size,
        refused: { oversized: 0, malformed: 0, unlisted: 0, 'too-frequent': 0, 'too-many': 0 },
      },
      lastSweep: { at: this.lastSweepAt ?? at, durationMs: 42 },
      selfTest: { at, ok: this.selfTestOk, detail: this.selfTestOk ? 'seen and denied' : 'not seen' },
      counters: { events: 12_345, verdicts: 678, denied: 2, slowVerdicts: 0, overflows: 0 },
      parts: [
        { name: 'fanotify', state: 'ok', detail: 'every close-after-write and every exec is seen' },
        {
          name: 'layer-watch',
          state: this.layerWatchLost ? 'lost' : 'ok',
          detail: 'creates, renames and deletes are seen at once',
        },
        {
          name: 'process-connector',
          state: 'off',
          detail: 'not on this kernel: execs outside of containers are not seen',
        },
      ],
    }
  }

  #say(socket: Socket, message: Message): void {
    socket.write(encodeMessage(message))
  }
}

/** Short pages, so that who asks has to ask again. */
function page<T>(items: readonly T[], offset: number): { total: number; items: readonly T[] } {
  return { total: items.length, items: items.slice(offset, offset + 50) }
}
