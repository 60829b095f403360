import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { EvidenceStatus } from '../../protocol/answers.ts'
import { reasonOf } from '../../lib/errors.ts'
import { EVIDENCE_FILE_MAX_BYTES } from '../../protocol/requests.ts'
import { foldTrouble } from '../fold-trouble.ts'
import type { EvidenceMeta, EvidenceStore, FindingSink } from '../ports.ts'
import { type Captured, capture, captureInto } from './capture.ts'
import { type Entry, HASH, loadEntries, syncFile } from './entries.ts'
import { firstSighting, readMetadata, withSighting, writeMetadata } from './metadata.ts'

/**
 * What was dropped, by the hash of its content: root-only, 0400, never executable. The quota drops the oldest
 * first, but nothing that is pinned (it belongs to an open alert) and nothing so young that watch may not have
 * heard of it yet. Where only such is left, new evidence is refused and a finding says so: a flood must not wash
 * out what came before it.
 */
export interface Evidence extends EvidenceStore {
  /** @returns how many of the hashes are in the store */
  pin(sha256s: readonly string[]): number
  unpin(sha256s: readonly string[]): number
  /** Null: not in the store. */
  read(
    sha256: string,
    offset: number,
    maxBytes: number,
  ): { readonly sizeBytes: number; readonly bytes: Buffer } | null
  status(): EvidenceStatus
  close(): Promise<void>
}

export interface EvidenceOptions {
  /** Made where it is missing, 0700. */
  readonly folder: string
  readonly quotaBytes: number
  readonly sink: FindingSink
  /** Milliseconds since the epoch: evidence as young as this is spared (Spool.oldestUnackedMs). */
  readonly spareSinceMs: () => number
  readonly copyTime?: { readonly burstMs: number; readonly share: number }
}

/** What a file takes beside its content: metadata, inodes, the last block. */
const OVERHEAD_BYTES = 8192

/** Copying stalls the sensor: so many milliseconds at once, that part of the time for long, then only file heads. */
const COPY_TIME = { burstMs: 3000, share: 0.2 }
const HEAD_BYTES = 64 * 1024

const cost = (entry: Entry) => entry.sizeBytes + OVERHEAD_BYTES

/** Opens the store; finds again what the last life kept and pinned. */
export function openEvidence(options: EvidenceOptions): Evidence {
  const { folder, quotaBytes, sink, spareSinceMs, copyTime = COPY_TIME } = options
  const unfinished = join(folder, 'unfinished')
  const pins = join(folder, 'pins')
  rmSync(unfinished, { recursive: true, force: true })
  for (const path of [folder, unfinished, pins]) mkdirSync(path, { recursive: true, mode: 0o700 })

  // Oldest first, both.
  const { loose, pinned } = loadEntries(folder, pins)
  let sizeBytes = [...loose.values(), ...pinned.values()].reduce((sum, entry) => sum + cost(entry), 0)
  let dropped = 0
  let left = { copyMs: copyTime.burstMs, atMs: performance.now() }
  const troubles = foldTrouble((finding) => {
    sink.emit(finding)
  })
  let unsynced = new Set<string>()
  let syncing: Promise<void> | null = null

  const contentPath = (sha256: string) => join(folder, sha256.slice(0, 2), sha256)
  const temporary = () => join(unfinished, randomBytes(8).toString('hex'))

  /** Runs a copy with the bound that the time left for copying allows, and takes its time off. */
  function timed<T>(copy: (maxBytes: number) => T): T {
    const startMs = performance.now()
    const earned = (startMs - left.atMs) * copyTime.share
    left = { copyMs: Math.min(left.copyMs + earned, copyTime.burstMs), atMs: startMs }
    try {
      return copy(left.copyMs > 0 ? EVIDENCE_FILE_MAX_BYTES : HEAD_BYTES)
    } finally {
      left.copyMs -= performance.now() - startMs
    }
  }

  function drop(sha256: string, entry: Entry): void {
    for (const path of [contentPath(sha256), `${contentPath(sha256)}.json`]) rmSync(path, { force: true })
    loose.delete(sha256)
    sizeBytes -= cost(entry)
    dropped += 1
    const keptAt = new Date(entry.keptAtMs).toISOString()
    troubles.tell({
      reason: 'evidence-dropped',
      severity: 'low',
      summary: (count) =>
        `the quota of the evidence made the oldest go: ${files(count)}, the last kept at ${keptAt}`,
      details: { sha256, keptAt, quotaBytes },
    })
  }

  function makeRoom(forBytes: number): boolean {
    const spareSince = spareSinceMs()
    for (const [sha256, entry] of loose) {
      if (sizeBytes + forBytes <= quotaBytes || entry.keptAtMs >= spareSince) break
      drop(sha256, entry)
    }
    return sizeBytes + forBytes <= quotaBytes
  }

  function seenAgain(sha256: string, meta: EvidenceMeta): void {
    const now = new Date()
    const entry = loose.get(sha256) ?? pinned.get(sha256)
    if (entry === undefined) return
    entry.keptAtMs = now.getTime()
    if (loose.delete(sha256)) loose.set(sha256, entry)
    utimesSync(contentPath(sha256), now, now)
    const more = withSighting(readMetadata(`${contentPath(sha256)}.json`), meta)
    if (more !== null) writeMetadata(`${contentPath(sha256)}.json`, more, temporary())
  }

  function keepContent(fd: number, maxBytes: number, meta: EvidenceMeta): Captured | null {
    // The hash first: content that is there already is not written again.
    const seen = capture(fd, maxBytes, null)
    if (seen === null) return null
    if (loose.has(seen.sha256) || pinned.has(seen.sha256)) {
      seenAgain(seen.sha256, meta)
      return seen
    }
    if (makeRoom(seen.sizeBytes + OVERHEAD_BYTES)) return add(fd, maxBytes, meta)
    troubles.tell({
      reason: 'evidence-quota',
      severity: 'high',
      summary: (count) =>
        `evidence is not kept (${files(count)}): the quota of ${Math.floor(quotaBytes / 1024 / 1024)} MiB is taken by open alerts and by findings that watch has not acknowledged`,
      details: { quotaBytes },
    })
    return null
  }

  function add(fd: number, maxBytes: number, meta: EvidenceMeta): Captured | null {
    const path = temporary()
    const captured = captureInto(fd, maxBytes, path)
    if (captured === null) return null
    const { sha256 } = captured
    const kept = contentPath(sha256)
    mkdirSync(join(kept, '..'), { recursive: true, mode: 0o700 })
    // The metadata first: content without it is taken for unfinished at the next start.
    writeMetadata(`${kept}.json`, firstSighting(captured, meta), temporary())
    renameSync(path, kept)
    const entry = { sizeBytes: captured.sizeBytes, keptAtMs: Date.now() }
    if (!pinned.has(sha256) && !loose.has(sha256)) {
      loose.set(sha256, entry)
      sizeBytes += cost(entry)
    }
    unsynced.add(kept)
    syncing ??= syncAll()
    return captured
  }

  function notKept(error: unknown): void {
    const why = reasonOf(error)
    troubles.tell({
      reason: 'evidence-not-kept',
      severity: 'high',
      summary: (count) => `evidence could not be kept (${files(count)}): ${why}`,
      details: { why },
    })
  }

  /** A copy that only the page cache has would be gone with a kernel that an intruder brought down. */
  async function syncAll(): Promise<void> {
    while (unsynced.size > 0) {
      const paths = unsynced
      unsynced = new Set()
      for (const path of paths) await syncFile(path).catch(notKept)
    }
    syncing = null
  }

  function move(sha256s: readonly string[], from: Map<string, Entry>, to: Map<string, Entry>): string[] {
    return sha256s.filter((sha256) => {
      const entry = from.get(sha256)
      if (entry === undefined) return false
      from.delete(sha256)
      to.set(sha256, entry)
      return true
    })
  }

  const found = (sha256s: readonly string[]) =>
    sha256s.filter((sha256) => pinned.has(sha256) || loose.has(sha256)).length

  return {
    keep(fd, meta) {
      try {
        return timed((maxBytes) => keepContent(fd, maxBytes, meta))
      } catch (error) {
        notKept(error)
        return null
      }
    },
    pin(sha256s) {
      for (const sha256 of move(sha256s, loose, pinned))
        writeFileSync(join(pins, sha256), '', { mode: 0o600 })
      return found(sha256s)
    },
    unpin(sha256s) {
      for (const sha256 of move(sha256s, pinned, loose)) rmSync(join(pins, sha256), { force: true })
      return found(sha256s)
    },
    read(sha256, offset, maxBytes) {
      if (!HASH.test(sha256) || found([sha256]) === 0) return null
      const fd = openSync(contentPath(sha256), constants.O_RDONLY | constants.O_NOFOLLOW)
      try {
        const { size } = fstatSync(fd)
        const bytes = Buffer.alloc(Math.max(Math.min(maxBytes, size - offset), 0))
        return { sizeBytes: size, bytes: bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, offset)) }
      } finally {
        closeSync(fd)
      }
    },
    status: () => ({
      files: loose.size + pinned.size,
      sizeBytes,
      quotaBytes,
      pinned: pinned.size,
      dropped,
    }),
    async close() {
      troubles.flush()
      await syncing
    },
  }
}

function files(count: number): string {
  return count === 1 ? 'one file' : `${count} files`
}
