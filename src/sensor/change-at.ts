import { UserError } from '../lib/errors.ts'
import { close } from '../lib/libc/files.ts'
import type { BytePath } from '../lib/byte-path.ts'
import type { Change, Layer } from '../cow/change.ts'
import { changeOf } from '../cow/change-of.ts'
import { compare } from '../cow/compare.ts'
import { hashContent, openContent } from '../cow/content.ts'
import type { Found } from '../cow/look-up.ts'
import { lookUpPath } from '../cow/look-up-path.ts'
import { openLayer, type OpenLayer } from '../cow/open-layer.ts'
import { unreadableReason } from '../cow/unreadable.ts'

/** Larger files are told without a hash here; the sweep, which can wait, hashes more. */
const HASH_LIMIT_BYTES = 32 << 20

/** Opens layers to look at single paths; the last one stays open until this turn of the event loop is over. */
export type OpenForTurn = (layer: Layer) => OpenLayer

/** A burst's events come in one turn, and an open layer serves them all. */
export function openForTurn(): OpenForTurn {
  let current: OpenLayer | null = null
  function end(): void {
    current?.[Symbol.dispose]()
    current = null
  }
  return (layer) => {
    if (current?.layer === layer) return current
    end()
    current = openLayer(layer)
    setImmediate(end)
    return current
  }
}

/**
 * The change at one path, at once; null where the path is as in the baseline, or is in neither. Something that
 * cannot be read is left to the sweep, which says so, and so is a layer that was removed with its container.
 * @param hashes whether contents are hashed
 */
export function changeAt(open: OpenForTurn, layer: Layer, path: BytePath, hashes = true): Change | null {
  try {
    return look(open(layer), path, hashes)
  } catch (error) {
    if (!(error instanceof UserError) && unreadableReason(error) === null) throw error
    return null
  }
}

function look(open: OpenLayer, path: BytePath, hashes: boolean): Change | null {
  const now = lookUpPath(open, 'now', path)
  const was = lookUpPath(open, 'baseline', path)
  const difference = now === null || was === null ? null : finish(compare(open, now, was))
  if (now !== null && was !== null && difference === null) return null
  const change = changeOf(open, path, now, was, difference)
  if (change === null) return null
  const sha256 = hashes ? hash(open, now) : null
  const wasSha256 = hashes ? hash(open, was) : null
  return { ...change, ...(sha256 === null ? {} : { sha256 }), ...(wasSha256 === null ? {} : { wasSha256 }) }
}

function hash(open: OpenLayer, found: Found | null): string | null {
  if (found === null || found.content === null) return null
  const fd = openContent(open, found.content)
  try {
    return finish(hashContent(fd, HASH_LIMIT_BYTES))
  } finally {
    close(fd)
  }
}

function finish<T>(steps: Generator<undefined, T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}
