import type { CanaryResult } from '../../cow/canary.ts'
import type { Container, EngineKind } from '../../engine/reader.ts'
import type { UserError } from '../../lib/errors.ts'
import type { JudgedChange } from './change-json.ts'
import type { ContainerScan } from './scan-container.ts'

/** Where a scan tells what it finds, as it finds it: nothing is held back, so that memory stays bounded. */
export interface ScanOutput {
  begin(about: { host: string; startedAt: Date; engine: EngineKind }): Promise<void>
  container(container: Container): Promise<void>
  change(change: JudgedChange): void | Promise<void>
  containerEnd(scan: ContainerScan): Promise<void>
  /** A container that could not be scanned; null where not even its name is known. */
  failure(container: Container | null, error: UserError): Promise<void>
  end(result: { canary: CanaryResult; ok: boolean; durationMs: number }): Promise<void>
}
