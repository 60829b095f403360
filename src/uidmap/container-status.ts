import type { Container } from '../engine/reader.ts'
import { type IdMaps, rootIsHostRoot } from './id-map.ts'
import { mapsOfProcess } from './process-maps.ts'

/** Under which ids a container lives, as the kernel has it. */
export interface ContainerStatus {
  readonly container: Container
  /** Null: it does not run, and has none. */
  readonly maps: IdMaps | null
  /** Whether its root is the host's root; null where it does not run. */
  readonly rootIsHostRoot: boolean | null
  /** Whether it asks to be left out of the engine's remapping. */
  readonly optsOut: boolean
}

/**
 * Reads `/proc/<pid>/uid_map`. The host's own namespace shows a map of every id to itself, as one that maps nothing would.
 */
export function statusOf(container: Container): ContainerStatus {
  const maps = container.pid > 0 ? mapsOfProcess(container.pid) : null
  const optsOut = container.hostConfig.usernsMode === 'host'
  return { container, maps, rootIsHostRoot: maps === null ? null : rootIsHostRoot(maps.uids), optsOut }
}
