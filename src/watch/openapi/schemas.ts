import { severities } from '../../protocol/findings.ts'

/** JSON Schema (2020-12, as OpenAPI 3.1 takes it), as far as answers need it. */
export type Schema = Readonly<Record<string, unknown>>

const text = { type: 'string' }
const count = { type: 'integer', minimum: 0 }
const flag = { type: 'boolean' }
const time = { type: 'string', format: 'date-time' }
const severity = { enum: severities }
const version = { const: 1 }

function orNull(schema: Schema): Schema {
  return { anyOf: [schema, { type: 'null' }] }
}

function list(items: Schema): Schema {
  return { type: 'array', items }
}

function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` }
}

/** An object with exactly these keys; names after a `?` may be absent. */
function object(properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema {
  return {
    type: 'object',
    properties,
    required: Object.keys(properties).filter((key) => !optional.includes(key)),
    additionalProperties: false,
  }
}

/** From the sensor: keys may be added there. */
function growing(properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema {
  return { ...object(properties, optional), additionalProperties: true }
}

const path = growing({ path: text, pathBase64: text }, ['pathBase64'])
const side = growing({ mode: text, uid: count, gid: count, size: count, sha256: text }, ['sha256'])
const processKeys = {
  pid: count,
  startTicks: count,
  parentPid: count,
  command: text,
  exe: orNull(path),
  argv: orNull(list(text)),
  uid: orNull(count),
  uidInside: orNull(count),
}
const part = (items: Schema) => object({ items: list(items), omitted: count, problem: orNull(text) })
const problem = object({ kind: { enum: ['sensor', 'alerts', 'watch'] }, text })
const page = { alerts: list(ref('Alert')), nextBefore: orNull(text) }
const selfTest = growing({ at: time, ok: flag, detail: text })

const alertKeys = {
  id: text,
  state: { enum: ['open', 'acknowledged'] },
  severity,
  summary: text,
  container: orNull(text),
  firstAt: time,
  lastAt: time,
  count,
  causePresent: orNull(flag),
  findings: count,
  suppressed: count,
  containerId: orNull(text),
  image: orNull(text),
  engine: orNull(text),
  reasons: list(text),
  previous: orNull(text),
  maintenance: orNull(object({ id: text, reason: text })),
  acknowledged: orNull(object({ at: time, by: text, reason: text })),
}

const activityKeys = {
  from: time,
  bucketMs: count,
  buckets: count,
  containers: list(
    object({
      name: text,
      total: count,
      found: list(object({ bucket: { type: 'integer' }, count, worst: severity })),
    }),
  ),
}

/** What answers look like. A test holds the answers of a running watch against them. */
export const schemas = {
  Alert: object(alertKeys),
  Container: growing({
    id: text,
    name: text,
    image: text,
    engine: text,
    state: text,
    exec: { enum: ['alert', 'deny'] },
    expected: count,
    unexpected: count,
    worst: orNull(severity),
    processes: count,
    missing: list(text),
    fromFirstInstruction: flag,
    lastSweepAt: orNull(time),
    openAlerts: count,
    worstAlert: orNull(severity),
    pausedUntil: orNull(time),
  }),
  Process: object({ ...processKeys, children: list(ref('Process')) }),
  Pause: object({
    id: text,
    container: text,
    from: time,
    until: time,
    reason: text,
    who: text,
    active: flag,
    alerts: count,
  }),
  Overview: object({
    version,
    host: text,
    ok: flag,
    line: text,
    problems: list(problem),
    open: object(Object.fromEntries(severities.map((name) => [name, count]))),
    sensor: object({ silentSince: orNull(time), lastSweepAt: orNull(time), selfTest: orNull(selfTest) }),
    containers: list(ref('Container')),
    alerts: list(ref('Alert')),
  }),
  Alerts: object({ version, ...page }),
  AlertAnswer: object({
    version,
    alert: object({
      ...alertKeys,
      timeline: list(
        object({
          number: count,
          at: time,
          severity,
          kind: text,
          source: text,
          summary: text,
          count,
          path: orNull(text),
          verdict: orNull({ enum: ['denied', 'allowed'] }),
          change: orNull(
            object({ kind: text, type: text, rows: list(object({ what: text, was: text, now: text })) }),
          ),
          sha256s: list(text),
        }),
      ),
      omitted: count,
      processes: list(ref('Process')),
      evidence: list(object({ sha256: text, size: count, truncated: flag, path: text })),
      policyLines: list(text),
      next: list(text),
    }),
  }),
  ContainerAnswer: object({
    version,
    name: text,
    container: orNull(ref('Container')),
    changes: part(
      growing({
        path,
        kind: { enum: ['added', 'modified', 'deleted', 'metadata', 'replaced'] },
        type: text,
        expected: flag,
        rule: orNull(text),
        severity: orNull(severity),
        reasons: list(text),
        now: orNull(side),
        was: orNull(side),
      }),
    ),
    processes: part(growing({ process: growing(processKeys), user: text, expected: orNull(flag) })),
    policy: part(growing({ text, source: text })),
    alerts: list(ref('Alert')),
    activity: object(activityKeys),
  }),
  ActivityAnswer: object({ version, hours: count, ...activityKeys }),
  System: object({
    version,
    problems: list(problem),
    watch: object({
      version: text,
      startedAt: time,
      memoryBytes: count,
      databaseBytes: count,
      pagesOpen: count,
    }),
    sensor: object({
      silentSince: orNull(time),
      problem: orNull(text),
      status: orNull(
        growing({
          at: time,
          version: text,
          host: text,
          pid: count,
          startedAt: time,
          memoryBytes: count,
          spool: growing({
            id: text,
            oldest: count,
            next: count,
            acked: count,
            sizeBytes: count,
            quotaBytes: count,
            lost: count,
          }),
          evidence: growing({
            files: count,
            sizeBytes: count,
            quotaBytes: count,
            pinned: count,
            dropped: count,
          }),
          connections: growing({ open: count, refused: { type: 'object', additionalProperties: count } }),
          lastSweep: orNull(growing({ at: time, durationMs: count })),
          selfTest: orNull(selfTest),
          counters: { type: 'object', additionalProperties: count },
          parts: list(growing({ name: text, state: { enum: ['ok', 'off', 'lost'] }, detail: text })),
        }),
      ),
    }),
    channels: list(
      object({
        name: text,
        lastOkAt: orNull(count),
        failingSince: orNull(count),
        failures: count,
        lastError: orNull(text),
        sent: count,
        dropped: count,
        waiting: count,
        type: text,
        severity,
      }),
    ),
    pauses: list(ref('Pause')),
    journal: object({
      head: object({ seq: count, hash: text }),
      entries: list(object({ seq: count, at: count, kind: text, who: text, body: { type: 'object' } })),
    }),
  }),
  Acknowledged: object({
    version,
    acknowledged: list(text),
    failed: list(object({ id: text, error: text })),
  }),
  PauseAnswer: object({ version, pause: ref('Pause') }),
  Tested: object({ version, channel: text, ok: flag, error: orNull(text) }),
  SweepAnswer: object({ version, queued: flag }),
  Problem: object({ error: text, hint: text }, ['hint']),
} as const satisfies Readonly<Record<string, Schema>>

export type SchemaName = keyof typeof schemas
