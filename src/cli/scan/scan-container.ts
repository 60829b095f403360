import type { Container, EngineReader } from '../../engine/reader.ts'
import type { Layer } from '../../cow/change.ts'
import { scanLayer, type ScanReport } from '../../cow/scan.ts'
import { UserError } from '../../lib/errors.ts'
import { compilePolicy } from '../../policy/judge.ts'
import type { ExpectRule } from '../../policy/policy.ts'
import { assess } from '../../policy/severity.ts'
import { type loadPolicies, policyOf } from '../../policy/store.ts'
import { problemText } from '../../policy/problem.ts'
import type { JudgedChange } from './change-json.ts'

export interface ScanJob {
  readonly engine: EngineReader
  readonly declarations: ReturnType<typeof loadPolicies>
  readonly all: boolean
  readonly hash: boolean
  readonly stateDir: string
  readonly signal: AbortSignal
  /** Told of an error that is no UserError, with which the scan of one container ended. */
  readonly onBug: (error: unknown) => void
}

export interface ContainerScan extends ScanReport {
  readonly layerDir: string
  /** Rules that expected nothing: told where `all` is asked for. */
  readonly unusedRules: readonly ExpectRule[]
  /** What is wrong with the container's labels. */
  readonly warnings: readonly string[]
}

/** Of each of those scanned at a time, so that all stay below the 1,024 descriptors that a process commonly may have. */
const OPEN_DIRECTORIES = 200

/** Scans one container by the policy that is its own, and tells each change as it is found. */
export async function scanContainer(
  container: Container,
  layer: Layer,
  job: Omit<ScanJob, 'onBug'>,
  tell: (change: JudgedChange) => void | Promise<void>,
): Promise<ContainerScan> {
  const image = await imageLabels(container, job.engine)
  const { policy, problems } = policyOf(container, image, job.declarations)
  const judge = compilePolicy(policy)
  const report = await scanLayer(
    layer,
    {
      expectation: judge,
      tellsExpected: job.all,
      hashes: job.hash,
      openDirectories: OPEN_DIRECTORIES,
      signal: job.signal,
    },
    ({ change, expected, rule }) => {
      const assessment = expected ? { severity: 'info' as const, reasons: [] } : assess(change)
      return tell({ change, expected, rule: rule?.source ?? null, ...assessment })
    },
  )
  return {
    ...report,
    layerDir: layer.upper,
    unusedRules: job.all ? judge.unusedRules() : [],
    warnings: problems.map(problemText),
  }
}

/** Only a container that has labels of ours needs to know which of them are its image's. */
export async function imageLabels(container: Container, engine: EngineReader) {
  const speaks = Object.keys(container.labels).some((name) => name.startsWith('paddock.'))
  if (!speaks) return {}
  try {
    return (await engine.image(container.imageId)).labels
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return null
  }
}
