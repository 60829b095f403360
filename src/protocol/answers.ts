import { containerRef, pathJson, processRef, rfc3339, sideJson } from './finding-shape.ts'
import {
  changeKinds,
  type ContainerRef,
  type PathJson,
  type ProcessRef,
  severities,
  type Severity,
  type SideJson,
} from './findings.ts'
import { PRESENT_MAX_CAUSES, type RequestType } from './requests.ts'
import { boolean, integer, list, nullable, object, oneOf, record, type Shape, text } from './shape.ts'

/** Something the sensor depends on: a source, an engine, the policy, a kernel feature. */
export interface PartStatus {
  /** "fanotify", "engine unix:///run/docker.sock", "policy". */
  readonly name: string
  /** `off`: not wanted, or not there to be had; `lost`: should work and does not. */
  readonly state: 'ok' | 'off' | 'lost'
  /** One sentence; for `off` and `lost`, which guarantee is lost. */
  readonly detail: string
}

export interface SensorStatus {
  /** When this was put together; all times RFC 3339, milliseconds, UTC. */
  readonly at: string
  /** Of Paddock. */
  readonly version: string
  readonly host: string
  readonly pid: number
  readonly startedAt: string
  readonly memoryBytes: number
  readonly spool: SpoolStatus
  readonly evidence: EvidenceStatus
  readonly connections: {
    readonly open: number
    /** Connections closed over what came, since the start. */
    readonly refused: Readonly<Record<RefusalReason, number>>
  }
  /** Null before the first of each. */
  readonly lastSweep: { readonly at: string; readonly durationMs: number } | null
  readonly selfTest: { readonly at: string; readonly ok: boolean; readonly detail: string } | null
  /** Since the start: "events", "overflows", "verdicts", "denied", "slowVerdicts" (over 5 ms), … */
  readonly counters: Readonly<Record<string, number>>
  readonly parts: readonly PartStatus[]
}

export interface SpoolStatus {
  readonly id: string
  /** Number of the oldest finding kept, of the next one to come, and of the last acknowledged (0: none). */
  readonly oldest: number
  readonly next: number
  readonly acked: number
  readonly sizeBytes: number
  readonly quotaBytes: number
  /** Findings that could not be kept and whose loss is not reported yet. */
  readonly lost: number
}

export interface EvidenceStatus {
  readonly files: number
  readonly sizeBytes: number
  readonly quotaBytes: number
  readonly pinned: number
  /** Files dropped for the quota, since the start. */
  readonly dropped: number
}

/** A running container, or one that ran and is not yet removed. */
export interface ContainerStatus {
  readonly container: ContainerRef
  /** The engine's word: "running", "paused", … */
  readonly state: string
  readonly exec: 'alert' | 'deny'
  readonly expected: number
  readonly unexpected: number
  /** Of its unexpected changes; null where there are none. */
  readonly worst: Severity | null
  readonly processes: number
  /** Executables of `required` process rules that nothing runs now. */
  readonly missing: readonly string[]
  /** Whether its marks were set before its first instruction. */
  readonly fromFirstInstruction: boolean
  /** Null before the first. */
  readonly lastSweepAt: string | null
}

/** One change as the last sweep, or a later event, left it. */
export interface ChangeItem {
  readonly path: PathJson
  readonly kind: (typeof changeKinds)[number]
  readonly type: string
  readonly expected: boolean
  /** The rule that expects it: "web.yaml:4"; null where none does. */
  readonly rule: string | null
  /** Null for expected ones. */
  readonly severity: Severity | null
  readonly reasons: readonly string[]
  /** Null for what is deleted, and where only the name was read because policy expects it. */
  readonly now: SideJson | null
  readonly was: SideJson | null
}

export interface ProcessItem {
  readonly process: ProcessRef
  /** Inside the container, by its own passwd where it has one, else the number. */
  readonly user: string
  /** Null where policy declares no processes. */
  readonly expected: boolean | null
}

/** One line of what is expected of a container, and where it was written: "web.yaml:4". */
export interface PolicyLine {
  readonly text: string
  readonly source: string
}

/** A page; the next one starts at `offset` + `items.length`, and there is none when that reaches `total`. */
export interface Page<T> {
  readonly total: number
  readonly items: readonly T[]
}

export interface Answers {
  /** What the numbers mean here: findings below `oldest` are gone, the next one gets `next`. */
  readonly subscribe: { readonly spool: string; readonly oldest: number; readonly next: number }
  readonly ack: { readonly acked: number }
  readonly evidence: { readonly size: number; readonly offset: number; readonly base64: string }
  /** How many of the hashes are in the store. */
  readonly pin: { readonly found: number }
  readonly unpin: { readonly found: number }
  readonly status: SensorStatus
  readonly containers: Page<ContainerStatus>
  /** Unexpected ones first. */
  readonly changes: Page<ChangeItem>
  /** Its init first. */
  readonly processes: Page<ProcessItem>
  readonly policy: Page<PolicyLine>
  /**
   * In the order asked. A path still differs from the baseline unexpectedly; a process still lives; a trouble
   * still stands. Null: the sensor cannot tell, or the container is gone, and its layer directory with it.
   */
  readonly present: { readonly present: readonly (boolean | null)[] }
  readonly sweep: { readonly queued: true }
}

/** Why a connection was closed. */
export const refusalReasons = ['oversized', 'malformed', 'unlisted', 'too-frequent', 'too-many'] as const
export type RefusalReason = (typeof refusalReasons)[number]

const open = { open: true }
const count = integer(0, Number.MAX_SAFE_INTEGER)

function page<T>(items: Shape<T>): Shape<Page<T>> {
  return object<Page<T>>({ total: count, items: list(10_000, items) }, open)
}

export const spoolId = text(32, /^[0-9a-f]{32}$/)

const status = object<SensorStatus>(
  {
    at: rfc3339,
    version: text(64),
    host: text(256),
    pid: count,
    startedAt: rfc3339,
    memoryBytes: count,
    spool: object<SpoolStatus>(
      {
        id: spoolId,
        oldest: count,
        next: count,
        acked: count,
        sizeBytes: count,
        quotaBytes: count,
        lost: count,
      },
      open,
    ),
    evidence: object<EvidenceStatus>(
      { files: count, sizeBytes: count, quotaBytes: count, pinned: count, dropped: count },
      open,
    ),
    connections: object<SensorStatus['connections']>(
      {
        open: count,
        refused: object<Record<RefusalReason, number>>(
          { oversized: count, malformed: count, unlisted: count, 'too-frequent': count, 'too-many': count },
          open,
        ),
      },
      open,
    ),
    lastSweep: nullable(
      object<NonNullable<SensorStatus['lastSweep']>>({ at: rfc3339, durationMs: count }, open),
    ),
    selfTest: nullable(
      object<NonNullable<SensorStatus['selfTest']>>({ at: rfc3339, ok: boolean, detail: text(4096) }, open),
    ),
    counters: record(64, count),
    parts: list(
      64,
      object<PartStatus>({ name: text(256), state: oneOf('ok', 'off', 'lost'), detail: text(1024) }, open),
    ),
  },
  open,
)

const containerStatus = object<ContainerStatus>(
  {
    container: containerRef,
    state: text(32),
    exec: oneOf('alert', 'deny'),
    expected: count,
    unexpected: count,
    worst: nullable(oneOf(...severities)),
    processes: count,
    missing: list(64, text(4096)),
    fromFirstInstruction: boolean,
    lastSweepAt: nullable(rfc3339),
  },
  open,
)

const changeItem = object<ChangeItem>(
  {
    path: pathJson,
    kind: oneOf(...changeKinds),
    type: text(32),
    expected: boolean,
    rule: nullable(text(4096)),
    severity: nullable(oneOf(...severities)),
    reasons: list(64, text(128)),
    now: nullable(sideJson),
    was: nullable(sideJson),
  },
  open,
)

const processItem = object<ProcessItem>(
  { process: processRef, user: text(256), expected: nullable(boolean) },
  open,
)

/** What each answer must look like. Keys beyond these may stand beside them. */
export const answers: { readonly [K in RequestType]: Shape<Answers[K]> } = {
  subscribe: object<Answers['subscribe']>({ spool: spoolId, oldest: count, next: count }, open),
  ack: object<Answers['ack']>({ acked: count }, open),
  evidence: object<Answers['evidence']>(
    { size: count, offset: count, base64: text(60_000, /^[A-Za-z0-9+/]*={0,2}$/) },
    open,
  ),
  pin: object<Answers['pin']>({ found: count }, open),
  unpin: object<Answers['unpin']>({ found: count }, open),
  status,
  containers: page(containerStatus),
  changes: page(changeItem),
  processes: page(processItem),
  policy: page(object<PolicyLine>({ text: text(4096), source: text(4096) }, open)),
  present: object<Answers['present']>({ present: list(PRESENT_MAX_CAUSES, nullable(boolean)) }, open),
  sweep: object<Answers['sweep']>({ queued: oneOf(true) }, open),
}
