import { openEngine } from './client.ts'
import type { EngineEvent, EngineReader } from './reader.ts'

/**
 * An engine that need not be there yet, and may come back as another version: it is opened when it is first asked,
 * and anew whenever its events are followed from the start. Until it answers, every method rejects with a `UserError`.
 */
export function lateEngine(socketPath: string, open = openEngine): EngineReader {
  let opened: Promise<EngineReader> | null = null

  function engine(anew = false): Promise<EngineReader> {
    if (anew) opened = null
    const opening = (opened ??= open(socketPath))
    opening.catch(() => {
      if (opened === opening) opened = null
    })
    return opening
  }

  async function* events(signal: AbortSignal): AsyncGenerator<EngineEvent> {
    yield* (await engine(true)).events(signal)
  }

  return {
    address: `unix://${socketPath}`,
    info: async () => (await engine()).info(),
    containers: async (options) => (await engine()).containers(options),
    container: async (idOrName) => (await engine()).container(idOrName),
    images: async () => (await engine()).images(),
    image: async (reference) => (await engine()).image(reference),
    imageHistory: async (reference) => (await engine()).imageHistory(reference),
    networks: async () => (await engine()).networks(),
    events,
  }
}
