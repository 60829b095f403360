import { containerId, pathJsonStrict, sha256 } from './finding-shape.ts'
import type { PathJson } from './findings.ts'
import type { Answers } from './answers.ts'
import { byKind, integer, list, nullable, object, oneOf, type Shape, text } from './shape.ts'

/** How many bytes of evidence one answer carries at most. */
export const EVIDENCE_CHUNK_BYTES = 32 * 1024

/** How much of one file is kept as evidence. */
export const EVIDENCE_FILE_MAX_BYTES = 32 * 1024 * 1024

/** How many hashes one `pin` or `unpin` names at most. */
export const PIN_MAX_HASHES = 500

/** How many causes one `present` names at most. */
export const PRESENT_MAX_CAUSES = 32

/** Something that can still be there, or not, after it was found. */
export type Cause =
  | { readonly kind: 'path'; readonly container: string; readonly path: PathJson }
  | {
      readonly kind: 'process'
      readonly container: string
      readonly pid: number
      readonly startTicks: number
    }
  /** The sensor's own trouble, by its reason: "queue-overflow". */
  | { readonly kind: 'trouble'; readonly reason: string }

const MAX = Number.MAX_SAFE_INTEGER

/** What each request carries beside its `type` and `id`. */
export interface RequestBodies {
  /**
   * Send findings, from number `from` on (null: those that come from now on). `receive` is watch's: it alone may
   * `ack`; there is one receiver, and a new one takes the place of the old, whose connection is closed. `follow`
   * only looks on. Once a connection.
   */
  readonly subscribe: { readonly from: number | null; readonly mode: 'receive' | 'follow' }
  /** All findings up to and with this number are committed: the spool may forget them. Pin their evidence first. */
  readonly ack: { readonly number: number }
  /** Bytes of kept evidence, from `offset` on, at most `EVIDENCE_CHUNK_BYTES`. */
  readonly evidence: { readonly sha256: string; readonly offset: number }
  /** These hashes belong to an open alert: the quota spares them until `unpin`. Survives the sensor's restart. */
  readonly pin: { readonly sha256s: readonly string[] }
  readonly unpin: { readonly sha256s: readonly string[] }
  readonly status: object
  /** Containers that the sensor looks after, a page from `offset` on. */
  readonly containers: { readonly offset: number }
  /** The layer directory as of the container's last sweep, expected changes included, a page from `offset` on. */
  readonly changes: { readonly container: string; readonly offset: number }
  /** The processes running in it now, a page from `offset` on. */
  readonly processes: { readonly container: string; readonly offset: number }
  /** The policy it is judged by, in lines for people, a page from `offset` on. */
  readonly policy: { readonly container: string; readonly offset: number }
  /** Whether what was found is still there. */
  readonly present: { readonly causes: readonly Cause[] }
  /** Sweep this container (null: all) now. Answered when it is queued; a sweep under way is not doubled. */
  readonly sweep: { readonly container: string | null }
}

export type RequestType = keyof RequestBodies

export interface RequestRow<T> {
  readonly shape: Shape<T>
  /** A bucket a connection: so many at once, and so many a second in the long run. More closes the connection. */
  readonly rate: { readonly burst: number; readonly perSecond: number }
}

const cause = byKind<Cause>({
  path: object<Extract<Cause, { kind: 'path' }>>({
    kind: oneOf('path'),
    container: containerId,
    path: pathJsonStrict,
  }),
  process: object<Extract<Cause, { kind: 'process' }>>({
    kind: oneOf('process'),
    container: containerId,
    pid: integer(1, 0xffff_ffff),
    startTicks: integer(0, MAX),
  }),
  trouble: object<Extract<Cause, { kind: 'trouble' }>>({ kind: oneOf('trouble'), reason: text(128) }),
})

const offset = integer(0, MAX)
const page = object<{ container: string; offset: number }>({ container: containerId, offset })
const hashes = object<RequestBodies['pin']>({ sha256s: list(PIN_MAX_HASHES, sha256) })

/** The closed table: all that the unprivileged side may ask of the sensor, with its bounds and its rate. */
export const requests: { readonly [K in RequestType]: RequestRow<RequestBodies[K]> } = {
  subscribe: {
    shape: object<RequestBodies['subscribe']>({
      from: nullable(integer(1, MAX)),
      mode: oneOf('receive', 'follow'),
    }),
    rate: { burst: 1, perSecond: 0 },
  },
  ack: {
    shape: object<RequestBodies['ack']>({ number: integer(1, MAX) }),
    rate: { burst: 1000, perSecond: 200 },
  },
  evidence: {
    shape: object<RequestBodies['evidence']>({ sha256, offset: integer(0, EVIDENCE_FILE_MAX_BYTES) }),
    rate: { burst: 2200, perSecond: 500 },
  },
  pin: { shape: hashes, rate: { burst: 1000, perSecond: 200 } },
  unpin: { shape: hashes, rate: { burst: 1000, perSecond: 200 } },
  status: { shape: object<object>({}), rate: { burst: 20, perSecond: 5 } },
  containers: { shape: object<RequestBodies['containers']>({ offset }), rate: { burst: 100, perSecond: 20 } },
  changes: { shape: page, rate: { burst: 100, perSecond: 20 } },
  processes: { shape: page, rate: { burst: 100, perSecond: 20 } },
  policy: { shape: page, rate: { burst: 100, perSecond: 20 } },
  present: {
    shape: object<RequestBodies['present']>({ causes: list(PRESENT_MAX_CAUSES, cause) }),
    rate: { burst: 500, perSecond: 50 },
  },
  sweep: {
    shape: object<RequestBodies['sweep']>({ container: nullable(containerId) }),
    rate: { burst: 5, perSecond: 0.2 },
  },
}

/** One request as it crosses, `{"type":"ack","id":7,"number":41}`; `id` is the asker's, and comes back with the answer. */
export type Request = {
  [K in RequestType]: { readonly type: K; readonly id: number } & RequestBodies[K]
}[RequestType]

/** What the sensor answers to each request. */
export type AnswerTo<K extends RequestType> = Answers[K]
