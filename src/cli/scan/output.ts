import type { CanaryResult } from '../../cow/canary.ts'
import type { Container, EngineKind } from '../../engine/reader.ts'
import type { UserError } from '../../lib/errors.ts'
import type { JudgedChange } from './change-json.ts'
import type { ContainerScan } from './scan-container.ts'

/** What a scan says, as text, piece by piece and as it finds it: nothing is gathered, so that memory stays bounded. */
export interface ScanOutput {
  begin(about: { host: string; startedAt: Date; engine: EngineKind }): string
  /** What one container's scan says: `begin`, then changes, then `end` or `failure`. */
  container(container: Container): ContainerOutput
  /** Stands between two containers. */
  readonly separator: string
  /** A container of which not even the name is known. */
  failure(error: UserError): string
  end(result: ScanResult): string
}

export interface ContainerOutput {
  readonly begin: string
  change(change: JudgedChange): string
  end(scan: ContainerScan): string
  failure(error: UserError): string
}

export interface ScanResult {
  readonly canary: CanaryResult
  readonly ok: boolean
  readonly durationMs: number
  /** One of each container, in the order of the list. */
  readonly outcomes: readonly Outcome[]
}

/** What became of one container's scan. */
export interface Outcome {
  /** Null where not even that is known. */
  readonly name: string | null
  readonly unexpected: number
  readonly unreadable: number
  readonly failure: UserError | null
}
