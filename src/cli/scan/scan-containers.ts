import { locateContainer } from '../../cow/locate.ts'
import { UserError } from '../../lib/errors.ts'
import { inOrder, type Say } from './in-order.ts'
import type { ContainerOutput, Outcome, ScanOutput } from './output.ts'
import { scanContainer, type ScanJob } from './scan-container.ts'

/** How many containers are scanned at a time. */
const AT_ONCE = 4

/**
 * Scans containers side by side, so that one that is slow or broken holds up none of the others, and tells of them in
 * the order of the list.
 * @returns what became of each; those that were removed meanwhile are left out
 */
export async function scanContainers(
  ids: readonly string[],
  job: ScanJob,
  output: ScanOutput,
  write: Say,
): Promise<readonly Outcome[]> {
  const outcomes = new Map<string, Outcome | null>()
  await inOrder(ids, {
    atOnce: AT_ONCE,
    separator: output.separator,
    write,
    job: async (id, say) => {
      outcomes.set(id, await scanOne(id, job, output, say))
    },
  })
  return ids.flatMap((id) => outcomes.get(id) ?? [])
}

/** @returns null where it was removed before there was anything to scan */
async function scanOne(id: string, job: ScanJob, output: ScanOutput, say: Say): Promise<Outcome | null> {
  let name: string | null = null
  let says: ContainerOutput | null = null
  let isBegun = false
  try {
    const asked = await job.engine.container(id)
    name = asked.name
    const told = output.container(asked)
    says = told
    const { container, layer } = await locateContainer(job.engine, asked, { stateDir: job.stateDir })
    await say(told.begin)
    isBegun = true
    const scan = await scanContainer(container, layer, job, (change) => say(told.change(change)))
    await say(told.end(scan))
    return { name, unexpected: scan.counts.unexpected, unreadable: scan.unreadableCount, failure: null }
  } catch (error) {
    job.signal.throwIfAborted()
    if (error instanceof UserError && error.isMissing) return null
    const failure = asFailure(error, name ?? id, job)
    if (says === null) await say(output.failure(failure))
    else await say((isBegun ? '' : says.begin) + says.failure(failure))
    return { name, unexpected: 0, unreadable: 0, failure }
  }
}

/** Even a mistake of ours, which a container may have found and provoked, does not keep the others from being scanned. */
function asFailure(error: unknown, container: string, { onBug }: ScanJob): UserError {
  if (error instanceof UserError) return error
  onBug(error)
  return new UserError(`cannot scan the container ${container}: ${String(error)}`, {
    hint: 'this is a mistake of Paddock: report it with what it wrote to standard error',
    cause: error,
  })
}
