import { readSync } from 'node:fs'
import type { Change } from '../cow/change.ts'
import { openEntry } from '../cow/look-up-path.ts'
import { unreadableReason } from '../cow/unreadable.ts'
import { UserError } from '../lib/errors.ts'
import type { BytePath } from '../lib/byte-path.ts'
import { withReadable } from '../lib/libc/event-file.ts'
import { close } from '../lib/libc/files.ts'
import { assess } from '../policy/severity.ts'
import type { FindingSource } from '../protocol/findings.ts'
import { changeAt, openForTurn } from './change-at.ts'
import { changeFinding } from './findings/change-finding.ts'
import { withoutDeleted } from './findings/exec-finding.ts'
import { groupOf, type Who } from './findings/who.ts'
import type { Fold } from './fold.ts'
import type { Followed } from './followed.ts'
import type { Named, Written } from './kernel/messages.ts'
import type { EvidenceRef, EvidenceStore } from './ports.ts'
import { createFresh } from './fresh.ts'
import { createTold } from './told.ts'

export interface FileJudge {
  /** A file of the layer directory was closed after writing. Does not close the descriptor. */
  wroteLayer(followed: Followed, written: Written): void
  /** The same on a tmpfs or volume: told where it could run. */
  wroteElsewhere(followed: Followed, written: Written): void
  /** Something happened to a name in the layer directory. */
  touched(followed: Followed, named: Named): void
  /** What a sweep found. @returns it with the content's hashes, which may be those that it was told with */
  swept(followed: Followed, change: Change): Change
  /** Whether a sweep must read the content of this change: it is not as it was when it was told. */
  mustHash(followed: Followed, change: Change): boolean
  /** Nothing of this container is remembered any more. */
  forget(containerId: string): void
  /** Tells at once what waits for its event. */
  stop(): void
}

const HEAD_BYTES = 64
const EXECUTE_BITS = 0o111

/** Judges changes of files, and tells of those that policy does not expect: once each, with the bytes kept. */
export function createFileJudge(fold: Fold, store: EvidenceStore): FileJudge {
  const told = createTold()
  const fresh = createFresh()
  const open = openForTurn()

  function isExpected(followed: Followed, change: Change): boolean {
    const { path, kind, now } = change
    const sizeBytes = now?.type === 'file' ? now.sizeBytes : null
    return followed.judge.judge({ path, kind, sizeBytes }).expected
  }

  function tell(
    followed: Followed,
    source: FindingSource,
    change: Change,
    who: Who | null,
    fd: number | null,
  ): void {
    // A burst's files are counted, and kept only where they could run.
    if (isBurst(followed, who) && !couldRun(change)) {
      const make = () => changeFinding(followed.ref, source, change, who, { evidence: null })
      fold.count(groupOf(followed.ref, 'change', who), assess(change).severity, make)
      return
    }
    const kept = keep(followed, change, fd)
    const withHash =
      kept === null || kept.evidence === null || kept.evidence.truncated
        ? change
        : { ...change, sha256: kept.evidence.sha256 }
    fold.emit(
      changeFinding(followed.ref, source, withHash, who, {
        evidence: kept?.evidence ?? null,
        head: kept?.head,
      }),
    )
  }

  function isBurst(followed: Followed, who: Who | null): boolean {
    return fold.isFolding(groupOf(followed.ref, 'change', who))
  }

  function keep(
    followed: Followed,
    change: Change,
    fd: number | null,
  ): { evidence: EvidenceRef | null; head: Uint8Array } | null {
    if (change.now?.type !== 'file' || change.kind === 'metadata') return null
    if (fd !== null) return keepOpen(followed, change, fd)
    if (followed.layer === null) return null
    try {
      using entry = openEntry(followed.layer, 'now', change.path)
      if (entry?.entry.type !== 'file') return null
      const content = entry.content()
      try {
        return keepOpen(followed, change, content)
      } finally {
        close(content)
      }
    } catch (error) {
      if (!isUnreadable(error)) throw error
      return null
    }
  }

  function keepOpen(followed: Followed, change: Change, fd: number) {
    return withReadable(fd, (readable) => keepReadable(followed, change, readable))
  }

  function keepReadable(followed: Followed, { path, now }: Change, fd: number) {
    const head = Buffer.alloc(HEAD_BYTES)
    const length = readSync(fd, head, 0, HEAD_BYTES, 0)
    const evidence = store.keep(fd, {
      containerId: followed.ref.id,
      path,
      mode: now?.mode ?? 0,
      uid: now?.uid ?? 0,
      gid: now?.gid ?? 0,
      mtimeNs: now?.mtimeNs ?? 0n,
    })
    return { evidence, head: head.subarray(0, length) }
  }

  return {
    wroteLayer(followed, written) {
      const path = withoutDeleted(written.path, written.links === 0)
      if (followed.judge.judgeName(path)?.expected === true) return
      const found =
        written.links === 0 || followed.layer === null
          ? null
          : changeAt(open, followed.layer, path, !isBurst(followed, written.who))
      if (found === null && written.links > 0 && isThere(followed, path)) return
      // Gone already: the descriptor still has what it was.
      const change = found ?? goneChange(path, written)
      fresh.drop(followed.ref.id, path)
      if (isExpected(followed, change) || !told.isNews(followed.ref.id, change)) return
      tell(followed, 'fanotify', change, written.who, written.fd)
    },
    wroteElsewhere(followed, written) {
      if ((written.mode & EXECUTE_BITS) === 0 && !startsAsProgram(written.fd)) return
      const path = withoutDeleted(written.path, written.links === 0)
      const change = goneChange(path, written)
      if (isExpected(followed, change) || !told.isNews(followed.ref.id, change)) return
      tell(followed, 'fanotify', change, written.who, written.fd)
    },
    touched(followed, named) {
      const path = named.path as BytePath
      if (followed.layer === null || followed.judge.judgeName(path)?.expected === true) return
      const change = changeAt(open, followed.layer, path, !isBurst(followed, named.who))
      if (change === null) {
        told.forget(followed.ref.id, path)
        return
      }
      fresh.drop(followed.ref.id, path)
      if (isExpected(followed, change) || !told.isNews(followed.ref.id, change)) return
      tell(followed, 'layer-watch', change, named.who, null)
    },
    swept(followed, change) {
      const known = told.unchanged(followed.ref.id, change)
      const whole = { ...change, ...known }
      const tellIt = (): void => {
        if (told.isNews(followed.ref.id, whole)) tell(followed, 'sweep', whole, null, null)
      }
      if (known !== null || !fresh.keep(followed.ref.id, whole, tellIt)) tellIt()
      return whole
    },
    mustHash: (followed, change) => told.unchanged(followed.ref.id, change) === null,
    forget(containerId) {
      fresh.end(containerId)
      told.forgetContainer(containerId)
    },
    stop: () => fresh.stop(),
  }
}

function couldRun({ now }: Change): boolean {
  return now !== null && (now.mode & EXECUTE_BITS) !== 0
}

function isThere(followed: Followed, path: BytePath): boolean {
  if (followed.layer === null) return false
  try {
    using entry = openEntry(followed.layer, 'now', path)
    return entry !== null
  } catch (error) {
    if (!isUnreadable(error)) throw error
    return false
  }
}

/** The file, or the whole layer, which goes with its container. */
function isUnreadable(error: unknown): boolean {
  return error instanceof UserError || unreadableReason(error) !== null
}

function goneChange(path: BytePath, written: Written): Change {
  const { mode, uid, gid, sizeBytes, mtimeNs, ctimeNs, inode, device, links } = written
  return {
    path,
    kind: 'added',
    type: 'file',
    now: {
      type: 'file',
      mode,
      uid,
      gid,
      sizeBytes,
      mtimeNs,
      ctimeNs,
      inode: BigInt(inode),
      device,
      links,
      rdev: 0,
    },
    was: null,
    xattrs: [],
    fileCapabilities: false,
  }
}

function startsAsProgram(fd: number | null): boolean {
  if (fd === null) return false
  const head = Buffer.alloc(4)
  const length = withReadable(fd, (readable) => readSync(readable, head, 0, 4, 0))
  return (length === 4 && head.readUInt32BE(0) === 0x7f454c46) || head.toString('latin1', 0, 2) === '#!'
}
