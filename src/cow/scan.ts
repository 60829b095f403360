import { constants } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import type { BytePath } from '../lib/byte-path.ts'
import { close, DIRECTORY_FLAGS, openPath, statFd } from '../lib/libc/files.ts'
import type { ExpectRule } from '../policy/policy.ts'
import type { Change, ChangeKind, Layer, Unreadable } from './change.ts'
import { hashContent, openContent } from './content.ts'
import { decode } from './decode.ts'
import { inodeOf } from './entry.ts'
import type { Found } from './look-up.ts'
import { type OpenLayer, openLayer } from './open-layer.ts'
import { unreadableReason } from './unreadable.ts'
import type { Decoded, DecodeSink } from './walk.ts'

export interface Verdict {
  readonly expected: boolean
  /** The rule that expects it. */
  readonly rule: ExpectRule | null
}

/** What a scan asks of policy; `compilePolicy` of src/policy/judge.ts gives one. */
export interface Expectation {
  /** Whether everything below `directory` (not itself) is expected, whatever its kind and size. */
  expectsWholeSubtree(directory: BytePath): boolean
  /** The verdict where the name alone decides; null where `judge` must be asked. */
  judgeName(path: BytePath): Verdict | null
  /** @param change `sizeBytes` of a regular file now; null where it is none, or is gone */
  judge(change: {
    readonly path: BytePath
    readonly kind: ChangeKind
    readonly sizeBytes: number | null
  }): Verdict
}

/** No policy: nothing is expected. */
export const expectNothing: Expectation = {
  expectsWholeSubtree: () => false,
  judgeName: () => NOT_EXPECTED,
  judge: () => NOT_EXPECTED,
}

const NOT_EXPECTED: Verdict = { expected: false, rule: null }

export interface JudgedChange extends Verdict {
  readonly change: Change
}

export interface ScanOptions {
  readonly expectation: Expectation
  /** Whether expected changes are told too, and so looked at: else they are counted, by their names where those suffice. */
  readonly tellsExpected?: boolean
  /** Whether the content of what is told is hashed, now and in the baseline; a function says it of each change. */
  readonly hashes?: boolean | ((change: Change) => boolean)
  /** The largest file that is hashed; a larger one has no hash. 1 GiB. */
  readonly hashLimitBytes?: number
  /** How many directories may be open at a time. 256. */
  readonly openDirectories?: number
  readonly signal?: AbortSignal
}

export interface ScanReport {
  /** Expected changes may have been counted by name alone: entries, whether or not they differ from the baseline. */
  readonly counts: { readonly total: number; readonly expected: number; readonly unexpected: number }
  /** The first 1,000; with any at all the scan is not "ok". */
  readonly unreadable: readonly Unreadable[]
  readonly unreadableCount: number
  /** The container was removed while it was scanned: what is told is what was seen until then. */
  readonly removed: boolean
}

const DEFAULT_HASH_LIMIT_BYTES = 1024 ** 3
const LISTED_UNREADABLE = 1000
/** How long a scan works before it lets others of this process on. */
const TURN_MS = 15

/**
 * Scans one layer directory: decodes it, judges each change, and tells what is not expected (or everything) in the order
 * in which it is found. Bounded memory, whatever lies there. Scans of several containers in one process take turns.
 * @param tell may return a promise to slow the scan down, for a reader that takes its time
 * @throws UserError where the layer cannot be opened at all; the reason of `signal` once it is aborted
 */
export async function scanLayer(
  layer: Layer,
  options: ScanOptions,
  tell: (judged: JudgedChange) => void | Promise<void>,
): Promise<ScanReport> {
  const { openDirectories } = options
  using open = openLayer(layer, openDirectories === undefined ? {} : { openDirectories })
  const turn = takeTurns(options.signal)
  const tally = new Tally(options)
  for (const _ of decode(open, tally)) {
    for (const { decoded, verdict } of tally.found) {
      const { hashes = false } = options
      const change =
        hashes === true || (hashes !== false && hashes(decoded.change))
          ? await withHashes(open, decoded, options, tally, turn)
          : decoded.change
      const told = tell({ change, ...verdict })
      if (told !== undefined) await told
    }
    tally.found.length = 0
    const over = turn()
    if (over !== null) await over
  }
  const { expected, unexpected, unreadables: unreadable, unreadableCount } = tally
  const counts = { total: expected + unexpected, expected, unexpected }
  return { counts, unreadable, unreadableCount, removed: wasRemoved(open) }
}

/** Judges what `decode` finds, and counts. */
class Tally implements DecodeSink {
  readonly readsAllXattrs: boolean
  readonly #expectation: Expectation
  readonly #tellsExpected: boolean
  readonly found: { readonly decoded: Decoded; readonly verdict: Verdict }[] = []
  readonly unreadables: Unreadable[] = []
  unreadableCount = 0
  expected = 0
  unexpected = 0
  // What `skipsName` learned is not asked again when the change of that very name is told.
  #judgedPath: BytePath | null = null
  #judgedVerdict: Verdict | null = null

  constructor({ expectation, tellsExpected = false, hashes = false }: ScanOptions) {
    this.#expectation = expectation
    this.#tellsExpected = tellsExpected
    this.readsAllXattrs = hashes !== false
  }

  skipsName(path: BytePath): boolean {
    this.#judgedPath = path
    this.#judgedVerdict = this.#expectation.judgeName(path)
    return this.#judgedVerdict?.expected === true && !this.#tellsExpected
  }

  skipsBelow(directory: BytePath): boolean {
    return !this.#tellsExpected && this.#expectation.expectsWholeSubtree(directory)
  }

  skipped(count: number): void {
    this.expected += count
  }

  change(decoded: Decoded): void {
    const verdict = this.#judge(decoded.change)
    if (verdict.expected) this.expected++
    else this.unexpected++
    if (!verdict.expected || this.#tellsExpected) this.found.push({ decoded, verdict })
  }

  unreadable(unreadable: Unreadable): void {
    this.unreadableCount++
    if (this.unreadables.length < LISTED_UNREADABLE) this.unreadables.push(unreadable)
  }

  #judge({ path, kind, now }: Change): Verdict {
    if (path === this.#judgedPath && this.#judgedVerdict !== null) return this.#judgedVerdict
    return this.#expectation.judge({ path, kind, sizeBytes: now?.type === 'file' ? now.sizeBytes : null })
  }
}

type Turn = () => Promise<void> | null

/** Lets others of this process on, when a turn's time is over. */
function takeTurns(signal: AbortSignal | undefined): Turn {
  let ends = performance.now() + TURN_MS
  const rest = async () => {
    await setImmediate()
    signal?.throwIfAborted()
    ends = performance.now() + TURN_MS
  }
  return () => (performance.now() < ends ? null : rest())
}

async function withHashes(
  open: OpenLayer,
  { change, now, was }: Decoded,
  options: ScanOptions,
  sink: DecodeSink,
  turn: Turn,
): Promise<Change> {
  const limit = options.hashLimitBytes ?? DEFAULT_HASH_LIMIT_BYTES
  const hash = async (found: Found | null) => {
    try {
      return found === null ? null : await hashOf(open, found, limit, turn)
    } catch (error) {
      const reason = unreadableReason(error)
      if (reason === null) throw error
      if (!reason.isGone) sink.unreadable({ path: change.path, error: reason.text })
      return null
    }
  }
  const sha256 = await hash(now)
  const wasSha256 = await hash(was)
  return { ...change, ...(sha256 === null ? {} : { sha256 }), ...(wasSha256 === null ? {} : { wasSha256 }) }
}

/** Null where it is no regular file, or too large. @throws UnreadableError */
async function hashOf(open: OpenLayer, found: Found, limitBytes: number, turn: Turn): Promise<string | null> {
  if (found.content === null) return null
  const fd = openContent(open, found.content)
  try {
    const steps = hashContent(fd, limitBytes)
    for (;;) {
      const step = steps.next()
      if (step.done === true) return step.value
      const over = turn()
      if (over !== null) await over
    }
  } finally {
    close(fd)
  }
}

function wasRemoved({ layer, directories, upper }: OpenLayer): boolean {
  const fd = openPath(layer.upper, DIRECTORY_FLAGS & ~constants.O_NOFOLLOW)
  if (fd < 0) return true
  const answer = statFd(fd, directories.opened)
  close(fd)
  return answer < 0 || inodeOf(directories.opened) !== upper.inode
}
