import type { EngineReader } from '../../engine/reader.ts'
import { UserError } from '../../lib/errors.ts'
import type { ContainerFact, ImageFact } from '../facts.ts'
import { findSetuid } from './setuid.ts'
import { mapBounded } from './containers.ts'

/** The images that containers are made from, each once; images that nothing uses are only counted by the engine. */
export async function gatherImages(
  engine: EngineReader,
  containers: readonly ContainerFact[],
): Promise<ImageFact[]> {
  const usedBy = new Map<string, string[]>()
  for (const { imageId, name } of containers) usedBy.set(imageId, [...(usedBy.get(imageId) ?? []), name])
  const images = await mapBounded([...usedBy], async ([id, names]) => {
    try {
      const [image, history] = await Promise.all([engine.image(id), engine.imageHistory(id)])
      const running = containers.find((each) => each.imageId === id && each.running !== null)
      return {
        ...image,
        usedBy: names,
        history,
        setuid: running === undefined ? null : findSetuid(running.pid),
      }
    } catch (error) {
      // An image that was forcibly removed under its container cannot be asked for any more.
      if (error instanceof UserError) return null
      throw error
    }
  })
  return images.filter((image) => image !== null)
}
