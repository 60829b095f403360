import { containerRef, pathJson, processRef, rfc3339 } from './finding-shape.ts'
import {
  changeKinds,
  type ContainerRef,
  type PathJson,
  type ProcessRef,
  type Severity,
  severities,
} from './findings.ts'
import type { RequestType } from './requests.ts'
import { boolean, integer, list, nullable, object, oneOf, optional, type Shape, text } from './shape.ts'

/** Something the sensor depends on: a source, an engine, a kernel feature. */
export interface PartStatus {
  /** "fanotify", "engine unix:///run/docker.sock", "policy". */
  readonly name: string
  /** `off`: not wanted or not there to be had; `lost`: should work and does not. */
  readonly state: 'ok' | 'off' | 'lost'
  /** One sentence; for `off` and `lost`, which guarantee is lost. */
  readonly detail: string
}

export interface SensorStatus {
  readonly version: string
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
  /** Absent until the first of each. */
  readonly lastSweep?: { readonly at: string; readonly durationMs: number }
  readonly lastSelfTest?: { readonly at: string; readonly ok: boolean; readonly detail: string }
  /** Exec verdicts since the start; `slow` took over 5 ms. */
  readonly verdicts?: { readonly allowed: number; readonly denied: number; readonly slow: number }
  readonly parts: readonly PartStatus[]
}

export interface SpoolStatus {
  readonly id: string
  /** Number of the oldest finding kept, of the next one to come, and of the last acknowledged (0: none). */
  readonly oldest: number
  readonly next: number
  readonly acked: number
  readonly sizeBytes: number
  readonly maxBytes: number
  /** Findings that could not be kept and whose loss is not reported yet. */
  readonly lost: number
}

export interface EvidenceStatus {
  readonly files: number
  readonly sizeBytes: number
  readonly maxBytes: number
  readonly pinned: number
}

export interface ContainerStatus {
  readonly container: ContainerRef
  /** The engine's word: "running", "paused", … */
  readonly state: string
  readonly exec: 'alert' | 'deny'
  readonly expected: number
  readonly unexpected: number
  /** Whether its marks were set before its first instruction. */
  readonly fromFirstInstruction: boolean
  /** Absent until the first. */
  readonly lastSweepAt?: string
}

export interface ChangeItem {
  readonly path: PathJson
  readonly kind: (typeof changeKinds)[number]
  readonly type: string
  readonly expected: boolean
  readonly severity: Severity
  readonly reasons: readonly string[]
  /** Absent for what is deleted, and where only the name was read because policy expects it. */
  readonly mode?: string
  readonly size?: number
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
  readonly changes: Page<ChangeItem>
  readonly processes: Page<ProcessRef>
  readonly policy: Page<string>
  /** Null: the container is gone, and its layer directory with it. */
  readonly present: { readonly present: boolean | null }
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
    version: text(64),
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
        maxBytes: count,
        lost: count,
      },
      open,
    ),
    evidence: object<EvidenceStatus>(
      { files: count, sizeBytes: count, maxBytes: count, pinned: count },
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
    lastSweep: optional(
      object<NonNullable<SensorStatus['lastSweep']>>({ at: rfc3339, durationMs: count }, open),
    ),
    lastSelfTest: optional(
      object<NonNullable<SensorStatus['lastSelfTest']>>(
        { at: rfc3339, ok: boolean, detail: text(4096) },
        open,
      ),
    ),
    verdicts: optional(
      object<NonNullable<SensorStatus['verdicts']>>({ allowed: count, denied: count, slow: count }, open),
    ),
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
    fromFirstInstruction: boolean,
    lastSweepAt: optional(rfc3339),
  },
  open,
)

const changeItem = object<ChangeItem>(
  {
    path: pathJson,
    kind: oneOf(...changeKinds),
    type: text(32),
    expected: boolean,
    severity: oneOf(...severities),
    reasons: list(64, text(128)),
    mode: optional(text(16)),
    size: optional(count),
  },
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
  processes: page(processRef),
  policy: page(text(4096)),
  present: object<Answers['present']>({ present: nullable(boolean) }, open),
  sweep: object<Answers['sweep']>({ queued: oneOf(true) }, open),
}
