import { version } from '../../lib/version.ts'
import type { Answers, PartStatus, SensorStatus } from '../../protocol/answers.ts'
import { cutStrings, fitPage } from '../../protocol/fit.ts'
import { EVIDENCE_CHUNK_BYTES, type Request, type RequestType } from '../../protocol/requests.ts'
import type { Evidence } from '../evidence/evidence.ts'
import type { SensorAnswers } from '../ports.ts'
import type { Spool } from '../spool/spool.ts'

export interface Answering {
  readonly spool: Spool
  readonly evidence: Evidence
  readonly judge: SensorAnswers
  readonly parts: readonly PartStatus[]
  readonly startedAt: string
  readonly connections: () => SensorStatus['connections']
}

/** What can be asked without having subscribed. */
export type Question = Exclude<RequestType, 'subscribe' | 'ack'>

type Asked<K extends RequestType> = Extract<Request, { type: K }>

/** The other half of the closed table (src/protocol/requests.ts): what each question is answered with. Null: no such thing. */
export const answerTable: {
  readonly [K in Question]: (request: Asked<K>, answering: Answering) => Answers[K] | null
} = {
  evidence({ sha256, offset }, { evidence }) {
    const part = evidence.read(sha256, offset, EVIDENCE_CHUNK_BYTES)
    return part && { size: part.sizeBytes, offset, base64: part.bytes.toString('base64') }
  },
  pin: ({ sha256s }, { evidence }) => ({ found: evidence.pin(sha256s) }),
  unpin: ({ sha256s }, { evidence }) => ({ found: evidence.unpin(sha256s) }),
  status: (_, { spool, evidence, judge, parts, startedAt, connections }) => ({
    ...judge.status(),
    at: new Date().toISOString(),
    version,
    pid: process.pid,
    startedAt,
    memoryBytes: process.memoryUsage.rss(),
    spool: spool.status(),
    evidence: evidence.status(),
    connections: connections(),
    parts: [...parts, ...judge.status().parts],
  }),
  containers: ({ offset }, { judge }) => page(judge.containers(), offset),
  changes: ({ container, offset }, { judge }) => page(judge.changes(container), offset),
  processes: ({ container, offset }, { judge }) => page(judge.processes(container), offset),
  policy: ({ container, offset }, { judge }) => page(judge.policy(container), offset),
  present: ({ causes }, { judge }) => ({ present: judge.present(causes) }),
  sweep: ({ container }, { judge }) => (judge.sweep(container) ? { queued: true } : null),
}

function page<T>(items: readonly T[] | null, offset: number): { total: number; items: T[] } | null {
  return items && { total: items.length, items: fitPage(items.slice(offset).map(cutStrings)) }
}
