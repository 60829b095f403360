import { setTimeout as sleep } from 'node:timers/promises'
import type { EngineEvent, EngineReader } from '../engine/reader.ts'
import { UserError } from '../lib/errors.ts'

export interface EngineFollower {
  /** Told at the start and whenever the engine came back: all its containers are listed right after. */
  connected(engine: EngineReader): Promise<void>
  /** Exists, was made, started, renamed, paused …: look at it again. */
  touched(engine: EngineReader, containerId: string, event: EngineEvent | null): Promise<void>
  removed(containerId: string): void
  lost(engine: EngineReader, why: string): void
}

const AGAIN_MS = 500

/** Follows an engine until the signal aborts, through its restarts, without a gap: events are asked for before the list. */
export async function followEngine(
  engine: EngineReader,
  follower: EngineFollower,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await followOnce(engine, follower, signal)
    } catch (error) {
      if (isOver(signal)) return
      if (!(error instanceof UserError)) throw error
      follower.lost(engine, error.message)
    }
    await sleep(AGAIN_MS, undefined, { signal }).catch(() => undefined)
  }
}

/** It may have aborted while something was awaited. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted
}

async function followOnce(
  engine: EngineReader,
  follower: EngineFollower,
  signal: AbortSignal,
): Promise<void> {
  const events = engine.events(signal)[Symbol.asyncIterator]()
  let next = events.next()
  // It is awaited below; until then its failure must not be taken for one that nobody handles.
  next.catch(() => undefined)
  await follower.connected(engine)
  for (const { id } of await engine.containers({ all: true })) await follower.touched(engine, id, null)
  for (;;) {
    const result = await next
    if (result.done === true) return
    const event = result.value
    next = events.next()
    next.catch(() => undefined)
    if (event.type !== 'container') continue
    if (event.action === 'destroy' || event.action === 'remove') follower.removed(event.id)
    else if (!event.action.startsWith('exec_')) await follower.touched(engine, event.id, event)
  }
}
