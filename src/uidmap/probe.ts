import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import type { EngineReader } from '../engine/reader.ts'
import type { EngineWriter } from '../engine/writer.ts'
import { UserError } from '../lib/errors.ts'
import type { IdMaps } from './id-map.ts'
import { tarOf, waitingProgram } from './probe-program.ts'
import { mapsOfProcess } from './process-maps.ts'

/**
 * Starts a container, without a network and of an image made for it, and reads from the kernel which ids it got.
 * Both are gone when this returns.
 */
export async function mapsOfNewContainer(engine: EngineReader, writer: EngineWriter): Promise<IdMaps> {
  const image = `paddock-uidmap-probe:${randomUUID()}`
  await writer.importImage(Readable.from([tarOf('wait', waitingProgram(process.arch))]), image)
  try {
    const labels = { 'paddock.probe': 'uidmap' }
    const id = await writer.createContainer({ image, command: ['/wait'], labels })
    try {
      await writer.startContainer(id)
      const { pid } = await engine.container(id)
      const maps = pid === 0 ? null : mapsOfProcess(pid)
      if (maps !== null) return maps
      throw new UserError(
        'cannot read the id maps of the container started to try them: it is gone already',
        {
          hint: "see the engine's log",
        },
      )
    } finally {
      await writer.removeContainer(id)
    }
  } finally {
    await writer.removeImage(image)
  }
}
