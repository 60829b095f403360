import type { BytePath } from '../lib/byte-path.ts'
import type { Finding } from '../protocol/findings.ts'

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
