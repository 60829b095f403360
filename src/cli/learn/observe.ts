import { setTimeout as sleep } from 'node:timers/promises'
import { locateLayer } from '../../cow/locate.ts'
import type { Container, EngineReader } from '../../engine/reader.ts'
import { UserError } from '../../lib/errors.ts'
import type { Seen } from '../../policy/learn.ts'
import type { SeenProcess } from '../../policy/learn/seen.ts'
import { ChangeWatch, imageFacts } from './changes.ts'
import { ProcessWatch, type Sighting } from './processes.ts'

const LOOK_MS = 2000
/** A look takes at most this part of the time. */
const LOAD = 0.1

export interface Observation extends Seen {
  readonly looks: number
  /** Whether the kernel told of each execution. */
  readonly sawEveryProgram: boolean
}

/**
 * Watches a container from outside until the signal aborts: its layer directory look by look, its processes meanwhile.
 * Nothing runs in it, nothing of it is stopped.
 * @throws UserError when it does not run
 */
export async function observe(
  engine: EngineReader,
  name: string,
  ends: AbortSignal,
  hurry: AbortSignal,
): Promise<Observation> {
  let container = await running(engine, name)
  using changes = new ChangeWatch()
  using processes = new ProcessWatch(() => container.pid)
  const steady = new Map<string, number>()
  for (;;) {
    const started = performance.now()
    await changes.look(locateLayer(container), hurry)
    processes.sample()
    // Which ways of running were there at this look; one that is there at all of them is steady.
    const here = new Set([...processes.present].map((key) => wayOf(processes.sightings.get(key))))
    for (const way of here) steady.set(way, (steady.get(way) ?? 0) + 1)
    if (ends.aborted) break
    const tookMs = performance.now() - started
    await sleep(Math.max(LOOK_MS, tookMs / LOAD), undefined, { signal: ends }).catch(() => undefined)
    container = await running(engine, container.id)
  }
  const seen = changes.seen()
  using image = imageFacts(locateLayer(container), seen)
  const ways = Map.groupBy(processes.sightings.values(), wayOf)
  return {
    changes: seen,
    processes: [...ways]
      .map(([way, [first, ...others]]): SeenProcess => {
        const { exe = null, uid = 0, args = '', fromOutside = false } = first ?? {}
        return {
          exe,
          user: image.userName(uid),
          args,
          fromOutside,
          steady: steady.get(way) === changes.looks,
          inImage: exe !== null && image.isOwn(exe),
          times: 1 + others.length,
        }
      })
      .filter((process) => !isRuntime(process)),
    looks: changes.looks,
    sawEveryProgram: processes.hasConnector,
  }
}

/** The engine's runtime on its way into the container, from a sealed copy of itself, before it runs what it was told. */
function isRuntime({ args, fromOutside, inImage }: SeenProcess): boolean {
  return fromOutside && !inImage && args === 'init'
}

function wayOf(sighting: Sighting | undefined): string {
  return sighting === undefined ? '' : JSON.stringify(sighting)
}

async function running(engine: EngineReader, name: string): Promise<Container> {
  const container = await engine.container(name)
  if (container.pid > 0) return container
  throw new UserError(`cannot learn from ${container.name}: it is ${container.state}`, {
    hint: 'start it, then learn while it does its work',
  })
}
