import { MAX_LINE_BYTES } from './codec.ts'
import type { Finding, PathJson, ProcessRef } from './findings.ts'

/** What a finding may be at most, so that its frame still fits the line. */
const MAX_FINDING_BYTES = MAX_LINE_BYTES - 256

interface Bounds {
  readonly pathBytes: number
  readonly processes: number
  /** Of the process that did it, and of each ancestor: UTF-16 units of all arguments together. */
  readonly argv: number
  readonly ancestorArgv: number
  readonly text: number
  readonly details: number
  readonly evidence: number
}

/** From "all of it" down to what always fits, whatever a container named its things. */
const steps: readonly Bounds[] = [
  { pathBytes: 16_384, processes: 64, argv: 4096, ancestorArgv: 4096, text: 4096, details: 63, evidence: 64 },
  { pathBytes: 8192, processes: 64, argv: 4096, ancestorArgv: 256, text: 4096, details: 63, evidence: 64 },
  { pathBytes: 4096, processes: 16, argv: 2048, ancestorArgv: 0, text: 1024, details: 32, evidence: 64 },
  { pathBytes: 1024, processes: 4, argv: 256, ancestorArgv: 0, text: 256, details: 8, evidence: 16 },
]

/**
 * The finding, held to the bounds of finding-shape.ts and to one line: what a container can make long (names,
 * arguments, ancestries) is cut, and `details.shortened` says so. Content that fits is left as it is.
 */
export function fitFinding(finding: Finding): Finding {
  let smallest = finding
  for (const bounds of steps) {
    smallest = cut(finding, bounds)
    if (Buffer.byteLength(JSON.stringify(smallest)) <= MAX_FINDING_BYTES) break
  }
  return smallest
}

/** As many of the items as fit one answer, in order. */
export function fitPage<T>(items: readonly T[]): T[] {
  const fitting: T[] = []
  let bytes = 512
  for (const item of items) {
    bytes += Buffer.byteLength(JSON.stringify(item)) + 1
    if (bytes > MAX_LINE_BYTES) break
    fitting.push(item)
  }
  return fitting
}

const MAX_ITEM_STRING = 4096

/** The value with every string in it cut to 4 KiB: one item of a page must neither fill it nor break its bounds. */
export function cutStrings<T>(value: T): T {
  if (typeof value === 'string') return cutText(value, MAX_ITEM_STRING, { shortened: false }) as T
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((entry: unknown) => cutStrings(entry)) as T
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, cutStrings(entry)])) as T
}

function cut(finding: Finding, bounds: Bounds): Finding {
  const tally = { shortened: false }
  const text = (value: string, max: number) => cutText(value, Math.min(max, bounds.text), tally)
  const path = (value: PathJson) => cutPath(value, bounds.pathBytes, tally)
  const size = (value: number) => Math.min(value, Number.MAX_SAFE_INTEGER)
  const { container, change, processes, evidence, details } = finding
  const result: Finding = {
    ...finding,
    summary: text(finding.summary, 4096),
    group: text(finding.group, 512),
    reasons: cutList(finding.reasons, 64, tally).map((reason) => text(reason, 128)),
    container: container && {
      ...container,
      name: text(container.name, 512),
      image: text(container.image, 1024),
    },
    ...(finding.path && { path: path(finding.path) }),
    ...(change && {
      change: {
        ...change,
        now: change.now && { ...change.now, size: size(change.now.size) },
        was: change.was && { ...change.was, size: size(change.was.size) },
      },
    }),
    ...(processes && {
      processes: cutList(processes, bounds.processes, tally).map((process, index) =>
        cutProcess(process, index === 0 ? bounds.argv : bounds.ancestorArgv, path, tally),
      ),
    }),
    ...(evidence && {
      evidence: cutList(evidence, bounds.evidence, tally).map((kept) => ({ ...kept, size: size(kept.size) })),
    }),
  }
  const facts = cutList(Object.entries(details ?? {}), bounds.details, tally).map(
    ([key, value]) => [text(key, 128), typeof value === 'string' ? text(value, 1024) : value] as const,
  )
  if (details === undefined && !tally.shortened) return result
  return { ...result, details: { ...Object.fromEntries(facts), ...(tally.shortened && { shortened: true }) } }
}

function cutProcess(
  process: ProcessRef,
  argvUnits: number,
  path: (value: PathJson) => PathJson,
  tally: { shortened: boolean },
): ProcessRef {
  return {
    ...process,
    command: cutText(process.command, 64, tally),
    exe: process.exe && path(process.exe),
    argv: process.argv && cutArguments(process.argv, argvUnits, tally),
  }
}

function cutArguments(argv: readonly string[], units: number, tally: { shortened: boolean }): string[] {
  const kept: string[] = []
  let left = units
  for (const argument of argv) {
    if (left <= 0) break
    kept.push(cutText(argument, left, tally))
    left -= argument.length + 1
  }
  if (kept.length < argv.length) tally.shortened = true
  return kept
}

function cutText(value: string, max: number, tally: { shortened: boolean }): string {
  if (value.length <= max) return value
  tally.shortened = true
  // The cut may fall inside a surrogate pair.
  return value.slice(0, max).toWellFormed()
}

function cutPath(value: PathJson, maxBytes: number, tally: { shortened: boolean }): PathJson {
  const bytes =
    value.pathBase64 === undefined ? Buffer.from(value.path, 'utf8') : Buffer.from(value.pathBase64, 'base64')
  if (bytes.length <= maxBytes) return value
  tally.shortened = true
  const kept = bytes.subarray(0, maxBytes)
  return { path: kept.toString('utf8'), pathBase64: kept.toString('base64') }
}

function cutList<T>(values: readonly T[], max: number, tally: { shortened: boolean }): readonly T[] {
  if (values.length <= max) return values
  tally.shortened = true
  return values.slice(0, max)
}
