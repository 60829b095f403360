import { readSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { type BytePath, bytePath } from '../lib/byte-path.ts'
import { close } from '../lib/libc/files.ts'
import type { Change, Layer } from './change.ts'
import { contentForm } from './content-form.ts'
import { hashContent } from './content.ts'
import { diffFields, type FieldDiff } from './fields.ts'
import { openEntry, type OpenEntry } from './look-up-path.ts'
import { diffLines, type Hunk, isText } from './text-diff.ts'

/** One side of content that is not shown as text. */
export interface BinarySide {
  readonly sizeBytes: number
  /** Hexadecimal; null where the file is too large to hash. */
  readonly sha256: string | null
  /** "ELF program", "gzip", "data". */
  readonly form: string
}

export type ContentDiff =
  | { readonly as: 'text'; readonly hunks: readonly Hunk[] }
  | { readonly as: 'binary'; readonly was: BinarySide | null; readonly now: BinarySide | null }
  | { readonly as: 'link'; readonly was: BytePath | null; readonly now: BytePath | null }

/** How one path differs from the image. */
export interface ChangeDiff {
  readonly change: Change
  /** Null where there is no content, or it is the same. */
  readonly content: ContentDiff | null
  readonly fields: readonly FieldDiff[]
}

const LARGEST_TEXT_BYTES = 2 ** 20
const LARGEST_HASHED_BYTES = 2 ** 30
const HEAD_BYTES = 512
/** How long it works before it lets others of this process on. */
const TURN_MS = 15
const NO_XATTRS: ReadonlyMap<string, Buffer> = new Map()

/**
 * Compares a change with the baseline, through the layers alone, following no link. Bounded, whatever lies there: text of
 * up to a mebibyte is compared line by line; of everything else sizes, hashes and kinds are told.
 * @throws UnreadableError where a side cannot be read, or is gone meanwhile; the reason of `signal` once it is aborted
 */
export async function diffChange(layer: Layer, change: Change, signal?: AbortSignal): Promise<ChangeDiff> {
  using was = change.was === null ? null : openEntry(layer, 'baseline', change.path)
  using now = change.now === null ? null : openEntry(layer, 'now', change.path)
  return {
    change,
    content: change.kind === 'metadata' ? null : await diffContent(was, now, signal),
    fields: diffFields(
      { was: was?.entry ?? null, now: now?.entry ?? null },
      was?.xattrs() ?? NO_XATTRS,
      now?.xattrs() ?? NO_XATTRS,
    ),
  }
}

async function diffContent(
  was: OpenEntry | null,
  now: OpenEntry | null,
  signal?: AbortSignal,
): Promise<ContentDiff | null> {
  if (was?.entry.type === 'symlink' || now?.entry.type === 'symlink')
    return { as: 'link', was: target(was), now: target(now) }
  if (was?.entry.type !== 'file' && now?.entry.type !== 'file') return null
  const [before, after] = [text(was), text(now)]
  const hunks = before === null || after === null ? null : diffLines(before.text, after.text)
  if (hunks !== null) return { as: 'text', hunks }
  return { as: 'binary', was: await binary(was, signal), now: await binary(now, signal) }
}

function target(entry: OpenEntry | null): BytePath | null {
  return entry?.entry.type === 'symlink' ? bytePath(entry.target()) : null
}

/** Null where it is too large, or no text; the text null where there is no file. */
function text(entry: OpenEntry | null): { readonly text: string | null } | null {
  if (entry?.entry.type !== 'file') return { text: null }
  if (entry.entry.sizeBytes > LARGEST_TEXT_BYTES) return null
  const content = read(entry, LARGEST_TEXT_BYTES + 1)
  return content.length > LARGEST_TEXT_BYTES || !isText(content) ? null : { text: bytePath(content) }
}

async function binary(entry: OpenEntry | null, signal?: AbortSignal): Promise<BinarySide | null> {
  if (entry?.entry.type !== 'file') return null
  const fd = entry.content()
  try {
    const steps = hashContent(fd, LARGEST_HASHED_BYTES)
    let step = steps.next()
    for (let ends = performance.now() + TURN_MS; step.done !== true; step = steps.next()) {
      if (performance.now() < ends) continue
      await setImmediate()
      signal?.throwIfAborted()
      ends = performance.now() + TURN_MS
    }
    return {
      sizeBytes: entry.entry.sizeBytes,
      sha256: step.value,
      form: contentForm(read(entry, HEAD_BYTES)),
    }
  } finally {
    close(fd)
  }
}

function read(entry: OpenEntry, limitBytes: number): Buffer {
  const fd = entry.content()
  try {
    const bytes = Buffer.alloc(Math.min(limitBytes, entry.entry.sizeBytes + 1))
    let length = 0
    while (length < bytes.length) {
      const count = readSync(fd, bytes, length, bytes.length - length, length)
      if (count === 0) break
      length += count
    }
    return bytes.subarray(0, length)
  } finally {
    close(fd)
  }
}
