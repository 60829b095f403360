import type { Container, EngineReader } from '../../engine/reader.ts'
import type { ContainerFact, EngineSocket, Reach } from '../facts.ts'
import { UserError } from '../../lib/errors.ts'
import type { HostTree } from './host-tree.ts'
import { reacher } from './reach.ts'
import { gatherRunning, processesByNamespace } from './running.ts'

const AT_ONCE = 16

/** Every container, running or not: what is stopped today starts tomorrow. */
export async function gatherContainers(
  engine: EngineReader,
  tree: HostTree,
  sockets: readonly EngineSocket[],
  dataRoot: string | null,
): Promise<ContainerFact[]> {
  const summaries = await engine.containers({ all: true })
  const containers = await mapBounded(summaries, async ({ id }) => inspect(engine, id))
  const processes = processesByNamespace(tree)
  const reach = reacher(tree, sockets, dataRoot)
  return containers
    .filter((container) => container !== null)
    .map((container) => {
      const running = gatherRunning(tree, container.pid, processes)
      const live = running === null ? [] : reach.mounted(running.mounts, container.id)
      return { ...container, running, reaches: merge([...reach.configured(container.mounts), ...live]) }
    })
    .sort((one, other) => (one.name < other.name ? -1 : 1))
}

// Removed since it was listed: nothing to judge any more.
async function inspect(engine: EngineReader, id: string): Promise<Container | null> {
  try {
    return await engine.container(id)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    const still = (await engine.containers({ all: true })).some((each) => each.id === id)
    if (still) throw error
    return null
  }
}

// The mount table and the configuration tell the same mount twice; the configuration's words are the user's own.
function merge(reaches: readonly Reach[]): Reach[] {
  const found = new Map<string, Reach>()
  for (const reach of reaches) {
    const key = `${reach.what} ${reach.path}`
    const known = found.get(key)
    found.set(key, known === undefined ? reach : { ...known, writable: known.writable || reach.writable })
  }
  return [...found.values()]
}

/** Maps with at most 16 under way, in order. */
export async function mapBounded<T, R>(items: readonly T[], map: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++)
      results[index] = await map(items[index] as T)
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker))
  return results
}
