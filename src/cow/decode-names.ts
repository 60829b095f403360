import type { BytePath } from '../lib/byte-path.ts'
import { statAddressAt } from '../lib/libc/files.ts'
import { lookAtUpperEntry } from './decode-entry.ts'
import type { Directory } from './directories.ts'
import { DT, eachName, isDotOrDotDot, nameEnd } from './dirents.ts'
import { isDirectory } from './entry.ts'
import { lookUp } from './look-up.ts'
import type { OpenLayer } from './open-layer.ts'
import { UnreadableError } from './unreadable.ts'
import { type Frame, letGo, report, settle, type Source, tell, type Walk } from './walk.ts'

/** What one buffer of names of the layer directory says. This is the loop that decides how fast a scan is. */
export function* readUpperNames(
  walk: Walk,
  frame: Frame,
  upper: Directory,
  length: number,
): Generator<undefined, void> {
  const { open, sink, path } = walk
  const { bytes, address } = open.names
  let skipped = 0
  for (let at = 0; at < length;) {
    const recordLength = (bytes[at + 16] ?? 0) | ((bytes[at + 17] ?? 0) << 8)
    const start = at + 19
    const type = bytes[at + 18] ?? DT.unknown
    const record = at
    at += recordLength
    if (at >= length) frame.offset = bytes.readBigInt64LE(record + 8)
    if (isDotOrDotDot(bytes, start)) continue
    if (type === DT.directory) {
      frame.names.push(bytes.toString('latin1', start, nameEnd(bytes, record, recordLength)))
      if (frame.counting) skipped++
      continue
    }
    if (frame.counting && type !== DT.unknown) {
      skipped++
      continue
    }
    const end = nameEnd(bytes, record, recordLength)
    const entryPath = path.entry(bytes, start, end)
    if (type !== DT.unknown && sink.skipsName(entryPath)) {
      skipped++
      continue
    }
    try {
      const answer = statAddressAt(open.directories.fd(upper), address + start, open.stat)
      if (answer < 0) throw new UnreadableError(answer)
      const name = entryPath.slice(path.length + 1)
      if (isDirectory(open.stat)) {
        frame.names.push(name)
        if (frame.counting) skipped++
      } else if (frame.counting) {
        skipped++
      } else {
        const pair = lookAtUpperEntry(walk, frame, upper, name)
        if (pair?.was === null) tell(walk, entryPath, pair, null)
        else if (pair !== null) yield* settle(walk, entryPath, pair)
      }
    } catch (error) {
      report(walk, entryPath, error)
    }
  }
  if (skipped > 0) sink.skipped(skipped)
}

/**
 * Where the lower directories that show through are not those that were here (below an opaque or a redirected directory):
 * what shows of the former and is not in the layer directory, and what of the latter is gone.
 */
export function* readLowerNames(
  walk: Walk,
  frame: Frame,
  { side, directory }: Source,
  length: number,
): Generator<undefined, void> {
  const { open, path } = walk
  const { bytes } = open.names
  const stack = side === 'now' ? frame.now : frame.was
  const above = stack.slice(0, stack.indexOf(directory))
  const names: string[] = []
  frame.offset = eachName(bytes, length, (start, end) => names.push(bytes.toString('latin1', start, end)))
  for (const name of names) {
    const entryPath = path.named(name)
    try {
      // Each name once, where it is seen first; what the layer directory has was decoded from there.
      if (frame.upper !== null && isThere(open, frame.upper, name)) continue
      if (above.some((one) => isThere(open, one, name))) continue
      if (side === 'was') yield* settleGone(walk, frame, entryPath, name)
      else yield* settleShown(walk, frame, entryPath, name)
    } catch (error) {
      report(walk, entryPath, error)
    }
  }
}

function* settleShown(walk: Walk, frame: Frame, path: BytePath, name: string): Generator<undefined, void> {
  const now = lookUp(walk.open, frame.now, name)
  if (now === null) return
  if (now.entry.type === 'directory') {
    letGo(walk.open, now.stack)
    frame.names.push(name)
    return
  }
  if (walk.sink.skipsName(path)) walk.sink.skipped(1)
  else yield* settle(walk, path, { now, was: lookUp(walk.open, frame.was, name), isOther: false })
}

function* settleGone(walk: Walk, frame: Frame, path: BytePath, name: string): Generator<undefined, void> {
  const was = lookUp(walk.open, frame.was, name)
  const now = was === null ? null : lookUp(walk.open, frame.now, name)
  letGo(walk.open, was?.stack ?? [])
  letGo(walk.open, now?.stack ?? [])
  if (was === null || now !== null) return
  if (walk.sink.skipsName(path)) walk.sink.skipped(1)
  else yield* settle(walk, path, { now: null, was, isOther: false })
}

function isThere({ directories, stat }: OpenLayer, directory: Directory, name: string): boolean {
  const answer = directories.statName(directory, name, stat)
  if (answer < 0 && answer !== -2) throw new UnreadableError(answer)
  return answer === 0
}
