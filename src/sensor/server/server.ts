import { chmodSync, chownSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { once } from 'node:events'
import { reasonOf, UserError } from '../../lib/errors.ts'
import { type PartStatus, type RefusalReason, refusalReasons } from '../../protocol/answers.ts'
import { encodeMessage } from '../../protocol/codec.ts'
import type { Evidence } from '../evidence/evidence.ts'
import { foldTrouble, type Trouble } from '../fold-trouble.ts'
import type { FindingSink, SensorAnswers } from '../ports.ts'
import type { Spool } from '../spool/spool.ts'
import type { Answering } from './answer.ts'
import { type Connection, serveConnection } from './connection.ts'
import { rateBucket } from './rate-bucket.ts'

export interface SensorServerOptions {
  /** In a folder that exists. */
  readonly socketPath: string
  /** The group that may connect; null: root alone. */
  readonly groupId: number | null
  readonly spool: Spool
  readonly evidence: Evidence
  readonly judge: SensorAnswers
  readonly sink: FindingSink
  /** What the process itself says of its state, beside the judging side. */
  readonly parts: readonly PartStatus[]
}

export interface SensorServer {
  /** Tells every connection, and stops listening. */
  close(): Promise<void>
}

const MAX_CONNECTIONS = 16
/** One that is started again, as on every restart of the host, is no trouble. */
const WATCH_PATIENCE_MS = 10_000
const CONNECTION_RATE = { burst: 50, perSecond: 10 }

const watchGone: Trouble = {
  reason: 'watch-gone',
  severity: 'medium',
  summary: (count) =>
    `watch ended its connection${count === 1 ? '' : ` ${count} times`}: nobody is told until it is back, and findings are kept for it`,
}

/**
 * Serves the closed table of requests on a Unix socket, 0660. Whatever breaks its rules closes the connection, is
 * counted in the status, and is a finding: nobody but a captured or broken watch does that.
 * @throws UserError when it cannot listen
 */
export async function startServer(options: SensorServerOptions): Promise<SensorServer> {
  const { socketPath, groupId, spool, evidence, judge, sink, parts } = options
  const connections = new Set<Connection>()
  const refused = Object.fromEntries(refusalReasons.map((reason) => [reason, 0])) as Record<
    RefusalReason,
    number
  >
  let receiver: Connection | null = null
  let closing = false
  let gone: NodeJS.Timeout | undefined
  const mayConnect = rateBucket(CONNECTION_RATE)
  const troubles = foldTrouble((finding) => {
    sink.emit(finding)
  })
  const answering: Answering = {
    spool,
    evidence,
    judge,
    parts,
    startedAt: new Date().toISOString(),
    connections: () => ({ open: connections.size, refused: { ...refused } }),
  }

  function onRefused(reason: RefusalReason, detail: string): void {
    refused[reason] += 1
    troubles.tell({
      reason: 'request-refused',
      severity: 'high',
      summary: (count) =>
        `${count === 1 ? 'a connection' : `${count} connections`} to the sensor's socket broke its rules and ended (${reason}: ${detail})`,
      details: { refusal: reason },
    })
  }

  const server = createServer((socket) => {
    if (connections.size >= MAX_CONNECTIONS || !mayConnect()) {
      onRefused('too-many', 'connections')
      socket.on('error', () => socket.destroy())
      socket.end(encodeMessage({ type: 'closing', reason: 'too-many', detail: 'too many connections' }))
      socket.destroySoon()
      return
    }
    const connection = serveConnection(socket, answering, {
      onRefused,
      onReceiver: () => {
        const before = receiver
        receiver = connection
        clearTimeout(gone)
        before?.end('replaced', 'another receiver subscribed')
      },
      onClosed: () => {
        connections.delete(connection)
        if (receiver !== connection) return
        receiver = null
        if (!closing) gone = setTimeout(() => troubles.tell(watchGone), WATCH_PATIENCE_MS).unref()
      },
    })
    connections.add(connection)
  })
  await listen(server, socketPath, groupId)
  server.on('error', (error) => {
    troubles.tell({
      reason: 'socket-failed',
      severity: 'high',
      summary: () => `the sensor's socket has trouble: ${reasonOf(error)}`,
    })
  })

  return {
    async close() {
      closing = true
      clearTimeout(gone)
      const closed = once(server, 'close')
      server.close()
      for (const connection of connections) connection.end('ending', 'the sensor ends')
      await closed
      troubles.flush()
    },
  }
}

async function listen(server: Server, path: string, groupId: number | null): Promise<void> {
  try {
    // Whoever holds the spool's lock is the only sensor: what is there is left over.
    rmSync(path, { force: true })
    server.listen(path)
    await once(server, 'listening')
    // Made under the umask of src/bin/sensor.ts, so nobody could connect before this.
    if (groupId !== null) chownSync(path, 0, groupId)
    chmodSync(path, 0o660)
  } catch (error) {
    throw new UserError(`cannot listen on ${path}: ${reasonOf(error)}`, {
      hint: 'set PADDOCK_RUN_DIR to a folder that root alone writes to',
      cause: error,
    })
  }
}
