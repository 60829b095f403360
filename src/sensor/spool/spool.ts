import { fdatasync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { promisify } from 'node:util'
import { reasonOf } from '../../lib/errors.ts'
import type { SpoolStatus } from '../../protocol/answers.ts'
import type { Finding, Severity } from '../../protocol/findings.ts'
import type { FindingSink } from '../ports.ts'
import { onTick } from '../tick.ts'
import { type Cursor, openChain } from './chain.ts'
import { addLoss, addMissing, type Loss, lossAnnouncement, lossReport } from './loss.ts'
import { encodeRecord, type SpoolRecord } from './record.ts'
import { sealFinding } from './seal.ts'
import { adoptState, openState } from './state.ts'

/**
 * Findings on disk until watch has committed them. `emit` writes into the page cache, which survives `kill -9`;
 * a sync follows at once, and only what it has covered is given to readers. So whatever was sent is on the disk
 * though the power fails, no number is ever used twice, and a power failure costs only what nobody was told.
 */
export interface Spool extends FindingSink {
  readonly id: string
  /** Number of the first finding of this life. */
  readonly first: number
  /** Number of the next finding. */
  next(): number
  status(): SpoolStatus
  /** Findings up to this number are committed on the other side. What no reader had cannot be. */
  ack(number: number): void
  /** Reads on from a number (null: from now on); each call gives some of what came since, none at the end. */
  reader(from: number | null): () => readonly SpoolRecord[]
  /** Calls back whenever there is more to read, until the function returned is called. */
  onReadable(listener: () => void): () => void
  /** When the oldest finding was seen that is not acknowledged, milliseconds since the epoch; Infinity when all are. */
  oldestUnackedMs(): number
  close(): Promise<void>
}

export interface SpoolOptions {
  /** Made where it is missing, 0700. */
  readonly folder: string
  readonly quotaBytes: number
  readonly segmentBytes?: number
  /** What befell the files themselves, in a sentence. */
  readonly log: (line: string) => void
}

/** How much of the quota findings of each severity may fill: what matters less must not keep out what matters more. */
const quotaShare: Readonly<Record<Severity, number>> = {
  info: 0.5,
  low: 0.6,
  medium: 0.75,
  high: 0.9,
  critical: 1,
}

/** Left free in each segment, so that the start of a loss can be told even where there is no other room. */
const RESERVE_BYTES = 4096

/** How often a full disk is tried again. */
const RETRY_MS = 1000

const sync = promisify(fdatasync)

/** @throws UserError when another sensor has this spool, and what the file system throws when it cannot be opened */
export function openSpool(options: SpoolOptions): Spool {
  const { folder, quotaBytes, segmentBytes = 1024 * 1024, log } = options
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const stateFile = openState(join(folder, 'state'))
  const before = stateFile.found ?? adoptState(folder)
  const { id } = before
  const maxSegments = Math.max(2, Math.floor(quotaBytes / segmentBytes))
  const opened = openChain({ folder, segmentBytes, maxSegments, beforeRelease: stateFile.sync }, before)
  const { chain } = opened
  let { next } = opened
  let { acked } = before
  let synced = next - 1
  let loss = restoreLoss(before.loss, next, opened.missing)
  let syncing: Promise<void> | null = null
  /** Until when it is not tried again to make room, and what was in the way. */
  let blocked: { untilMs: number; why: string } | null = null
  const listeners = new Set<() => void>()
  const unacked = { since: -1, atMs: Infinity }

  function persist(): void {
    try {
      stateFile.write({ id, acked, loss })
    } catch (error) {
      log(`cannot write the spool's state: ${reasonOf(error)}`)
    }
  }

  /** @returns null when it is kept, else what was in the way */
  function keep(finding: Finding, reserveBytes: number): string | null {
    if (blocked !== null && performance.now() < blocked.untilMs && reserveBytes > 0) return blocked.why
    const record = encodeRecord(next, JSON.stringify(finding))
    try {
      if (!chain.append(next, record, acked, reserveBytes)) throw new QuotaError(quotaBytes)
    } catch (error) {
      const why = reasonOf(error)
      blocked = { untilMs: performance.now() + RETRY_MS, why }
      return why
    }
    blocked = null
    next += 1
    syncing ??= syncAll()
    return null
  }

  function fits(severity: Severity): boolean {
    return chain.segments.length <= quotaShare[severity] * maxSegments
  }

  function lose(finding: Pick<Finding, 'at' | 'severity'>, why: string): void {
    loss = addLoss(loss, finding, why)
    if (!loss.announced) {
      log(`findings are being lost: ${why}`)
      keep(sealFinding(lossAnnouncement(loss), next), 0)
      loss = { ...loss, announced: true }
    }
    persist()
  }

  function reportLoss(): void {
    if (loss === null || !(Object.keys(loss.bySeverity) as Severity[]).every(fits)) return
    // Its number first: should the sensor die between the report and the end of the loss, it is not told twice.
    loss = { ...loss, reportedAs: next }
    persist()
    if (keep(sealFinding(lossReport(loss), next), RESERVE_BYTES) === null) loss = null
    persist()
  }

  async function syncAll(): Promise<void> {
    await nextTurn()
    while (synced < next - 1) {
      const upTo = next - 1
      const { fds, done } = chain.takeUnsynced()
      try {
        await Promise.all(fds.map((fd) => sync(fd)))
      } catch (error) {
        // The page cache still has it; there is nothing better to do than to go on.
        log(`cannot sync the spool to disk: ${reasonOf(error)}`)
      }
      done()
      synced = upTo
      for (const listener of listeners) listener()
      spareSegment()
    }
    syncing = null
  }

  function spareSegment(): void {
    try {
      chain.ensureSpare()
    } catch (error) {
      blocked ??= { untilMs: 0, why: reasonOf(error) }
    }
  }

  persist()
  spareSegment()
  reportLoss()
  const stopRetrying = onTick(reportLoss)

  return {
    id,
    first: opened.next,
    next: () => next,
    emit(finding) {
      const sealed = sealFinding(finding, next)
      const why = fits(sealed.severity) ? keep(sealed, RESERVE_BYTES) : new QuotaError(quotaBytes).message
      if (why !== null) lose(sealed, why)
    },
    status: () => ({
      id,
      oldest: chain.segments[0]?.first ?? next,
      next,
      acked,
      sizeBytes: chain.files() * segmentBytes,
      quotaBytes,
      lost: loss?.count ?? 0,
    }),
    ack(number) {
      if (number <= acked) return
      acked = Math.min(number, synced)
      persist()
      try {
        chain.free(acked)
      } catch (error) {
        log(`cannot let go of findings that are acknowledged: ${reasonOf(error)}`)
      }
      blocked = null
    },
    reader(from) {
      const cursor: Cursor = { number: from ?? next, at: null }
      return () => (cursor.number > synced ? [] : chain.read(cursor, synced))
    },
    onReadable(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    oldestUnackedMs() {
      if (acked >= next - 1) return Infinity
      if (unacked.since !== acked) {
        const [record] = chain.read({ number: acked + 1, at: null }, next - 1)
        const { at } = JSON.parse(record?.json.toString('utf8') ?? '{"at":""}') as { at: string }
        Object.assign(unacked, { since: acked, atMs: Date.parse(at) || 0 })
      }
      return unacked.atMs
    },
    async close() {
      stopRetrying()
      reportLoss()
      await syncing
      chain.close()
      stateFile.sync()
      stateFile.close()
    },
  }
}

function restoreLoss(loss: Loss | null, next: number, missing: number): Loss | null {
  const told = loss !== null && loss.reportedAs !== null && loss.reportedAs < next
  const open = told ? null : loss
  return missing === 0 ? open : addMissing(open, missing, new Date().toISOString())
}

class QuotaError extends Error {
  constructor(quotaBytes: number) {
    super(`the spool's quota of ${Math.floor(quotaBytes / 1024 / 1024)} MiB is used up`)
  }
}
