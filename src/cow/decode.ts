import { enterRoot, enterShown, enterUpper } from './decode-entry.ts'
import { readLowerNames, readUpperNames } from './decode-names.ts'
import type { OpenLayer } from './open-layer.ts'
import { PathBuffer } from './path-buffer.ts'
import { UnreadableError } from './unreadable.ts'
import { type DecodeSink, type Frame, letGo, report, settle, type Walk } from './walk.ts'

const REMEMBERED_NAMES = 1024

/**
 * Decodes a layer directory: the difference between what the baseline shows and what the container sees, path by path,
 * by the rules of docs/layer-directory.md. Memory does not grow with the number of entries. Each step
 * gives control back after one buffer of names, one directory or one piece of content.
 */
export function* decode(open: OpenLayer, sink: DecodeSink): Generator<undefined, void> {
  const walk: Walk = { open, sink, path: new PathBuffer(), frames: [] }
  yield* enter(walk, null, '')
  for (let frame = walk.frames.at(-1); frame !== undefined; frame = walk.frames.at(-1)) {
    const name = frame.names.pop()
    if (name !== undefined) yield* enter(walk, frame, name)
    else if (!(yield* readOn(walk, frame))) leave(walk, frame)
    yield
  }
}

/** Goes into one directory; the root where `frame` is null. */
function* enter(walk: Walk, frame: Frame | null, name: string): Generator<undefined, void> {
  const path = frame === null ? walk.path.directory() : walk.path.named(name)
  try {
    const pair =
      frame === null
        ? enterRoot(walk)
        : frame.side === 'now'
          ? enterShown(walk, frame, name)
          : enterUpper(walk, frame, name)
    if (pair !== null) yield* settle(walk, path, pair)
  } catch (error) {
    report(walk, path, error)
  }
}

function leave(walk: Walk, frame: Frame): void {
  walk.frames.pop()
  walk.path.length = frame.parentLength
  for (const { directory } of frame.sources) walk.open.directories.release(directory)
  if (frame.was !== walk.open.lowers) letGo(walk.open, frame.was)
}

/** Reads on until enough subdirectories are known or a source is at its end. False when nothing is left. */
function* readOn(walk: Walk, frame: Frame): Generator<undefined, boolean> {
  const source = frame.sources[frame.source]
  if (source === undefined) return false
  const { directories, names } = walk.open
  while (frame.names.length < REMEMBERED_NAMES) {
    let length = 0
    try {
      length = directories.entries(source.directory, names, frame.offset)
      if (length < 0) throw new UnreadableError(length)
    } catch (error) {
      report(walk, walk.path.directory(), error)
      length = 0
    }
    if (length === 0) {
      // Names are gone into before the next source is read, since they belong to this one.
      if (frame.names.length === 0 || frame.source + 1 === frame.sources.length) {
        frame.source++
        frame.offset = 0n
      }
      return frame.names.length > 0 || frame.source < frame.sources.length
    }
    frame.side = source.side
    if (source.side === 'upper') yield* readUpperNames(walk, frame, source.directory, length)
    else yield* readLowerNames(walk, frame, source, length)
    yield
  }
  return true
}
