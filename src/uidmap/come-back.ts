import { setTimeout as sleep } from 'node:timers/promises'
import { openEngine } from '../engine/client.ts'
import type { EngineInfo, EngineReader } from '../engine/reader.ts'
import { openWriter } from '../engine/writer.ts'
import { UserError } from '../lib/errors.ts'
import { describeMap, type IdMaps, sameMap } from './id-map.ts'
import { mapsOfNewContainer } from './probe.ts'

/** An engine may have thousands of containers to look at before it listens. */
const WAIT_MS = 90_000

export interface ReturnedEngine {
  readonly reader: EngineReader
  readonly info: EngineInfo
}

/**
 * Waits until the engine answers after its restart.
 * @param remaps whether it is to remap
 * @throws a UserError when it does not, or does not remap as it should
 */
export async function waitForEngine(
  address: string,
  remaps: boolean,
  signal: AbortSignal,
  waitMs = WAIT_MS,
): Promise<ReturnedEngine> {
  const until = performance.now() + waitMs
  for (;;) {
    try {
      const reader = await openEngine(address.slice('unix://'.length))
      const info = await reader.info()
      if (info.usernsRemap === remaps) return { reader, info }
      // The one that is about to end may answer for a moment yet.
      if (performance.now() > until)
        throw new UserError(
          `the engine at ${address} ${remaps ? 'does not remap' : 'still remaps'} after its restart`,
        )
    } catch (error) {
      if (!(error instanceof UserError) || performance.now() > until) throw error
    }
    signal.throwIfAborted()
    await sleep(200)
  }
}

/** Starts a container and compares its ids, as the kernel has them, with the plan. @throws a UserError where they differ */
export async function verifyMaps(
  { reader }: ReturnedEngine,
  planned: IdMaps,
  signal: AbortSignal,
): Promise<IdMaps> {
  const real = await mapsOfNewContainer(reader, await openWriter(reader, signal))
  if (sameMap(real.uids, planned.uids) && sameMap(real.gids, planned.gids)) return real
  throw new UserError(
    `a new container's uids are ${describeMap(real.uids)} and its gids ${describeMap(real.gids)}, where ${describeMap(planned.uids)} and ${describeMap(planned.gids)} were planned`,
  )
}
