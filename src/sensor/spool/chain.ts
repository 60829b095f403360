import { closeSync, openSync, readdirSync, renameSync, statSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { SpoolRecord } from './record.ts'
import { blank, readRecords, recoverSegment, type Segment, startSegment, writeFully } from './segment.ts'

/** Where a reader stands. */
export interface Cursor {
  /** Of the next finding wanted. */
  number: number
  /** Where that one starts, as far as known. */
  at: { readonly segment: Segment; readonly offset: number } | null
}

/** The spool's segments in order, one spare kept blank for a full disk, and the file that is written to. */
export interface Chain {
  readonly segments: readonly Segment[]
  /** Segments and spare. */
  files(): number
  /**
   * Writes one record behind the last, in a new segment where the old one has no room.
   * @param acked what is up to this number may be overwritten
   * @param keepFreeBytes room to leave in the segment for what must still be told when there is no other
   * @returns false when the quota has no room; throws what the disk threw
   */
  append(number: number, record: Buffer, acked: number, keepFreeBytes: number): boolean
  /** Lets go of segments that hold nothing beyond `acked`, but the one in use. */
  free(acked: number): void
  /** Makes a spare where there is none and the quota allows. @throws what the disk threw */
  ensureSpare(): void
  /** Whole records from the cursor up to number `upTo`, and moves the cursor behind them. None: it is at the end. */
  read(cursor: Cursor, upTo: number): readonly SpoolRecord[]
  /** Descriptors with writes that are not on the disk yet; `done` closes those that are written no more. */
  takeUnsynced(): { readonly fds: readonly number[]; readonly done: () => void }
  close(): void
}

export interface ChainOptions {
  readonly folder: string
  readonly segmentBytes: number
  readonly maxSegments: number
  /** Called before a segment is let go of: what was acknowledged must be on the disk by then. */
  readonly beforeRelease: () => void
}

const SEGMENT = /^\d{16}\.segment$/
const READ_BYTES = 256 * 1024

/**
 * Opens what the last life left behind.
 * @param known the spool's id, and up to which number findings were acknowledged
 * @returns also the number of the next finding, and of how many numbers the finding is missing
 */
export function openChain(
  { folder, segmentBytes, maxSegments, beforeRelease }: ChainOptions,
  known: { readonly id: string; readonly acked: number },
): { chain: Chain; next: number; missing: number } {
  const path = (name: string) => join(folder, name)
  const spare = path('spare.blank')
  const unready = path('spare.unready')

  const { segments, missing } = recover(folder, known)
  const next = Math.max(known.acked, segments.at(-1)?.last ?? 0) + 1
  const folderFd = openSync(folder, 'r')
  let fd: number | null = null
  let retired: number[] = []
  let written = false
  let moved = true

  const last = segments.at(-1)
  if (last !== undefined && last.last + 1 === next) fd = openSync(last.path, 'r+')
  // Made ready again rather than removed: on a full disk its blocks would not come back.
  if (exists(unready)) attempt(readySpare)
  if (statSync(spare, { throwIfNoEntry: false })?.size !== segmentBytes && exists(spare)) unlinkSync(spare)

  function readySpare(): void {
    try {
      blank(unready, segmentBytes)
      renameSync(unready, spare)
      moved = true
    } catch (error) {
      unlinkSync(unready)
      throw error
    }
  }

  const files = () => segments.length + (exists(spare) ? 1 : 0)

  /** Makes a segment the spare, or removes it where there is one. */
  function release(segment: Segment): void {
    beforeRelease()
    moved = true
    if (exists(spare)) {
      unlinkSync(segment.path)
    } else {
      renameSync(segment.path, unready)
      readySpare()
    }
  }

  function haveSpare(acked: number): boolean {
    if (exists(spare)) return true
    const current = segments.at(-1)
    const reusable = current !== undefined && current.last <= acked
    try {
      if (files() < maxSegments) {
        readySpare()
        return true
      }
    } catch (error) {
      if (!reusable) throw error
    }
    if (!reusable) return false
    segments.pop()
    retire()
    release(current)
    return true
  }

  function retire(): void {
    if (fd !== null) retired.push(fd)
    fd = null
  }

  function roll(first: number): void {
    const target = path(`${String(first).padStart(16, '0')}.segment`)
    const file = openSync(spare, 'r+')
    const segment = startSegment(target, file, known.id, first)
    renameSync(spare, target)
    retire()
    fd = file
    moved = true
    segments.push(segment)
  }

  const chain: Chain = {
    segments,
    files,
    append(number, record, acked, keepFreeBytes) {
      const end = segments.at(-1)?.end ?? 0
      if (fd === null || end + record.length + keepFreeBytes > segmentBytes) {
        if (!haveSpare(acked)) return false
        roll(number)
      }
      const current = segments.at(-1)
      if (current === undefined || fd === null) return false
      writeFully(fd, record, current.end)
      current.end += record.length
      current.last = number
      written = true
      return true
    },
    free(acked) {
      for (let oldest = segments[0]; oldest !== undefined; oldest = segments[0]) {
        if (segments.length === 1 || oldest.last > acked) return
        segments.shift()
        release(oldest)
      }
    },
    ensureSpare() {
      if (!exists(spare) && files() < maxSegments) readySpare()
    },
    read(cursor, upTo) {
      for (const segment of segments) {
        if (segment.last < cursor.number) continue
        // What is before it is gone.
        cursor.number = Math.max(cursor.number, segment.first)
        const offset = cursor.at?.segment === segment ? cursor.at.offset : seek(segment, cursor.number)
        const whole = readRecords(segment, offset, READ_BYTES)
        // Damaged since it was opened: the next segment's numbers show how much is missing.
        if (whole.length === 0) continue
        const records = whole.filter(({ number }) => number <= upTo)
        const end = records.at(-1)
        if (end !== undefined) {
          cursor.number = end.number + 1
          cursor.at = { segment, offset: end.end }
        }
        return records
      }
      return []
    },
    takeUnsynced() {
      const closing = retired
      const fds = [...closing, ...(written && fd !== null ? [fd] : []), ...(moved ? [folderFd] : [])]
      retired = []
      written = false
      moved = false
      return {
        fds,
        done: () => {
          closing.forEach((old) => closeSync(old))
        },
      }
    },
    close() {
      retire()
      for (const open of [...retired, folderFd]) closeSync(open)
      retired = []
    },
  }
  return { chain, next, missing }
}

/** The segments of this spool in order; what is none of its own, or does not fit in, is set aside. */
function recover(folder: string, known: { readonly id: string; readonly acked: number }) {
  const segments: Segment[] = []
  let last = known.acked
  let missing = 0
  for (const name of readdirSync(folder).sort()) {
    if (!SEGMENT.test(name)) continue
    const segment = recoverSegment(join(folder, name))
    if (segment?.spool !== known.id || segment.first <= (segments.at(-1)?.last ?? 0)) {
      renameSync(join(folder, name), join(folder, `${name}.foreign`))
      continue
    }
    missing += Math.max(segment.first - last - 1, 0)
    last = Math.max(last, segment.last)
    segments.push(segment)
  }
  return { segments, missing }
}

/** Where a finding starts; the end of the segment where it is damaged. */
function seek(segment: Segment, number: number): number {
  if (number === segment.first) return segment.start
  const before = readRecords(segment, segment.start, segment.end).find(
    (record) => record.number === number - 1,
  )
  return before?.end ?? segment.end
}

function attempt(act: () => void): void {
  try {
    act()
  } catch {
    // A spare is a precaution; append says so when it is needed and cannot be made.
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}
