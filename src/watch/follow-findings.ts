import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { decodeMessage, encodeRequest, lineSplitter } from '../protocol/codec.ts'
import type { Finding } from '../protocol/findings.ts'
import { type Message, PROTOCOL } from '../protocol/messages.ts'

export interface FollowOptions {
  readonly socketPath: string
  /** Ends the following. */
  readonly signal: AbortSignal
  /** While what it gives is pending, no more is read: a slow reader costs no memory. */
  readonly onFinding: (finding: Finding) => Promise<unknown> | undefined
}

const AGAIN_MS = 100

/**
 * Looks on: gives every finding of the sensor's life under way and of those to come, once and in order, and
 * acknowledges none. Connects again for as long as it takes.
 */
export async function followFindings({ socketPath, signal, onFinding }: FollowOptions): Promise<void> {
  const seen = { spool: '', number: 0 }
  while (!signal.aborted) {
    await followOnce(socketPath, signal, seen, onFinding)
    await sleep(AGAIN_MS, undefined, { signal }).catch(() => undefined)
  }
}

/** Until the connection ends, for whatever reason. */
function followOnce(
  socketPath: string,
  signal: AbortSignal,
  seen: { spool: string; number: number },
  onFinding: FollowOptions['onFinding'],
): Promise<void> {
  const socket = connect({ path: socketPath, signal })
  const split = lineSplitter()

  function take(message: Message): void {
    if (message.type === 'hello') {
      if (message.protocol !== PROTOCOL) socket.destroy()
      const from = message.spool === seen.spool ? seen.number + 1 : (message.first ?? null)
      seen.spool = message.spool
      socket.write(encodeRequest({ type: 'subscribe', id: 1, from, mode: 'follow' }))
    } else if (message.type === 'finding') {
      seen.number = message.finding.number
      const pending = onFinding(message.finding)
      if (pending === undefined) return
      socket.pause()
      void pending.finally(() => socket.resume())
    }
  }

  socket.on('data', (chunk: Buffer) => {
    const { lines, oversized } = split(chunk)
    for (const line of lines) {
      const decoded = decodeMessage(line)
      if (decoded.ok) take(decoded.value)
      else socket.destroy()
    }
    if (oversized) socket.destroy()
  })
  return new Promise((resolve) => {
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      resolve()
    })
  })
}
