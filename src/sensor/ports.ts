import type { BytePath } from '../lib/byte-path.ts'
import type {
  ChangeItem,
  ContainerStatus,
  PolicyLine,
  ProcessItem,
  SensorStatus,
} from '../protocol/answers.ts'
import type { Finding, ProcessRef } from '../protocol/findings.ts'
import type { Cause } from '../protocol/requests.ts'

/** A finding as the judging side makes it: the spool numbers and stamps it. `at` is when it was seen, else now. */
export type NewFinding = Omit<Finding, 'version' | 'number' | 'at'> & { readonly at?: string }

/**
 * Where findings go. `emit` never throws and never waits: what cannot be kept becomes a finding of its own
 * (spool full), with its extent.
 */
export interface FindingSink {
  emit(finding: NewFinding): void
}

/** What is kept beside the bytes of a captured file. Names are the container's: hostile. */
export interface EvidenceMeta {
  readonly containerId: string
  readonly path: BytePath
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtimeNs: bigint
  /** The process that wrote or ran it, and its ancestors, where they are known. */
  readonly processes?: readonly ProcessRef[]
}

export interface EvidenceRef {
  /** Of the whole content, hexadecimal; of what was kept where `truncated`. */
  readonly sha256: string
  readonly sizeBytes: number
  /** Whether only the first 32 MiB were kept. */
  readonly truncated: boolean
}

/** The content-addressed store of what was dropped. */
export interface EvidenceStore {
  /**
   * Copies the content behind an open descriptor of a regular file, by position, so that the descriptor's own
   * offset does not matter, and leaves closing to the caller. Null when it could not be kept, which the store
   * itself reports.
   */
  keep(fd: number, meta: EvidenceMeta): EvidenceRef | null
}

/** What the judging side knows of itself; spool, evidence and socket add their own part (src/sensor/server.ts). */
export type Judgement = Pick<SensorStatus, 'host' | 'lastSweep' | 'selfTest' | 'counters' | 'parts'>

/**
 * What the judging side answers when watch asks (src/protocol/requests.ts). Every list is whole: the server cuts
 * pages. Null: there is no such container. Nothing here throws, waits for an engine, or reads more than it must.
 */
export interface SensorAnswers {
  status(): Judgement
  containers(): readonly ContainerStatus[]
  changes(container: string): readonly ChangeItem[] | null
  processes(container: string): readonly ProcessItem[] | null
  policy(container: string): readonly PolicyLine[] | null
  /** In the order asked. */
  present(causes: readonly Cause[]): readonly (boolean | null)[]
  /** Queues a sweep, of all containers when null. False: there is no such container. */
  sweep(container: string | null): boolean
}
