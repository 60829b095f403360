import { createHash } from 'node:crypto'
import type { Finding, ProcessRef } from '../protocol/findings.ts'

/** Findings of one container with no known process this close together are one burst. */
const BURST_MS = 10_000

/**
 * What two findings that belong together have in common, strongest first. Each is a short text, so that one
 * indexed table answers "which alert has this mark?".
 */
export interface Marks {
  /** The sensor's own word for what belongs together. */
  readonly group: string
  /** The processes that did it, without the container's init: as identities, never a bare pid. */
  readonly processes: readonly string[]
  /** The same thing at the same place of the container of this name, whichever its id: a recurrence. */
  readonly thing: string
  /** The same state of the same thing in the very same container: seen again, not done again. */
  readonly state: string
}

export function marksOf(finding: Finding): Marks {
  const where = finding.container?.name ?? 'host'
  const place = finding.path?.pathBase64 ?? finding.path?.path ?? finding.reasons.join(',')
  const state = JSON.stringify([
    finding.container?.id ?? 'host',
    finding.kind,
    place,
    finding.change?.kind,
    finding.change?.now,
  ])
  return {
    group: `g ${digest(finding.group)}`,
    processes: actors(finding).map(
      ({ pid, startTicks }) => `p ${finding.container?.id ?? 'host'} ${pid}:${startTicks}`,
    ),
    thing: `t ${digest(JSON.stringify([where, finding.kind, place]))}`,
    state: `s ${digest(state)}`,
  }
}

/** What grouping must know of an alert that shares a mark. */
export interface Candidate {
  readonly id: number
  readonly state: 'open' | 'acknowledged'
  readonly lastAt: number
  /** Null: not known. */
  readonly causePresent: boolean | null
  /** The maintenance window it was opened in. */
  readonly pause: number | null
}

/** Finds alerts; backed by indexes. Each gives the newest. */
export interface AlertIndex {
  withMark(mark: string, state: Candidate['state']): Candidate | null
  newestOpenOf(containerId: string | null): Candidate | null
}

export type Placement =
  | { readonly to: 'join'; readonly alert: number }
  /** Seen again unchanged after a person had acknowledged it: kept with that alert, no news. */
  | { readonly to: 'standing'; readonly alert: number }
  | { readonly to: 'open'; readonly previous: number | null }

/**
 * Which alert a finding belongs to. An open one that shares the sensor's group, a process of the ancestry, the
 * same thing at the same place, or, where no process is known, the burst. What happens in a maintenance window
 * never joins an alert from outside, nor the other way round: the window's mark would hide it.
 * @param at milliseconds since the epoch, of the finding
 */
export function place(
  finding: Finding,
  marks: Marks,
  index: AlertIndex,
  pause: number | null,
  at: number,
): Placement {
  for (const mark of [marks.group, ...marks.processes, marks.thing]) {
    const open = index.withMark(mark, 'open')
    if (open !== null && open.pause === pause) return { to: 'join', alert: open.id }
  }
  const unattributed = marks.processes.length === 0 && finding.kind !== 'trouble' && finding.kind !== 'audit'
  const newest = unattributed ? index.newestOpenOf(finding.container?.id ?? null) : null
  if (newest !== null && newest.pause === pause && Math.abs(at - newest.lastAt) <= BURST_MS) {
    return { to: 'join', alert: newest.id }
  }
  const same = isSweep(finding) ? index.withMark(marks.state, 'acknowledged') : null
  if (same !== null && same.causePresent !== false) return { to: 'standing', alert: same.id }
  const before = index.withMark(marks.thing, 'acknowledged') ?? index.withMark(marks.group, 'acknowledged')
  return { to: 'open', previous: before?.id ?? null }
}

/** A sweep finds what stands there, again after each restart of the sensor; an event is something done anew. */
function isSweep({ source }: Finding): boolean {
  return source === 'sweep' || source === 'process-sweep'
}

function actors({ processes = [], byExec }: Finding): readonly ProcessRef[] {
  // Where it is known that it did not come in by exec, the last is the container's init, an ancestor of everything.
  const below = byExec === false && processes.length > 1 ? processes.slice(0, -1) : processes
  return below.filter(({ startTicks }) => startTicks > 0).slice(0, 16)
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}
