import {
  changeKinds,
  type Finding,
  findingKinds,
  findingSources,
  type PathJson,
  programPlaces,
  severities,
} from './findings.ts'
import {
  boolean,
  integer,
  list,
  nullable,
  object,
  oneOf,
  optional,
  record,
  scalar,
  type Shape,
  text,
} from './shape.ts'

const open = { open: true }
const MAX = Number.MAX_SAFE_INTEGER
const uint32 = integer(0, 0xffff_ffff)

export const rfc3339 = text(24, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
export const sha256 = text(64, /^[0-9a-f]{64}$/)
/** Docker's and Podman's container ids. */
export const containerId = text(64, /^[0-9a-f]{64}$/)
const pathFields = {
  path: text(32_768),
  pathBase64: optional(text(65_536, /^[A-Za-z0-9+/]*={0,2}$/)),
}
export const pathJson = object<PathJson>(pathFields, open)
/** In a request: no key beyond. */
export const pathJsonStrict = object<PathJson>(pathFields)
export const containerRef = object<NonNullable<Finding['container']>>(
  { id: containerId, name: text(512), image: text(1024), engine: oneOf('docker', 'podman') },
  open,
)
export const processRef = object<NonNullable<Finding['processes']>[number]>(
  {
    pid: uint32,
    startTicks: integer(0, MAX),
    parentPid: uint32,
    command: text(64),
    exe: nullable(pathJson),
    argv: nullable(list(4096, text(4096))),
    uid: nullable(uint32),
    uidInside: nullable(uint32),
  },
  open,
)
export const sideJson = object<NonNullable<NonNullable<Finding['change']>['now']>>(
  { mode: text(16), uid: uint32, gid: uint32, size: integer(0, MAX), sha256: optional(sha256) },
  open,
)

/** What a line must be to be a finding. Keys beyond these may stand beside them. */
export const findingShape: Shape<Finding> = object<Finding>(
  {
    version: oneOf(1),
    number: integer(1, MAX),
    at: rfc3339,
    kind: oneOf(...findingKinds),
    source: oneOf(...findingSources),
    severity: oneOf(...severities),
    reasons: list(64, text(128)),
    summary: text(4096),
    container: nullable(containerRef),
    group: text(512),
    count: integer(1, MAX),
    path: optional(pathJson),
    change: optional(
      object<NonNullable<Finding['change']>>(
        { kind: oneOf(...changeKinds), type: text(32), now: nullable(sideJson), was: nullable(sideJson) },
        open,
      ),
    ),
    exec: optional(
      object<NonNullable<Finding['exec']>>(
        {
          verdict: oneOf('denied', 'allowed'),
          from: oneOf(...programPlaces),
          verdictMicros: optional(integer(0, MAX)),
        },
        open,
      ),
    ),
    processes: optional(list(256, processRef)),
    byExec: optional(boolean),
    evidence: optional(
      list(
        64,
        object<NonNullable<Finding['evidence']>[number]>(
          { sha256, size: integer(0, MAX), truncated: boolean },
          open,
        ),
      ),
    ),
    details: optional(record(64, scalar)),
  },
  open,
)
