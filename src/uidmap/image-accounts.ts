import type { EngineReader, ImageSummary } from '../engine/reader.ts'
import type { EngineWriter } from '../engine/writer.ts'
import type { ImageAccounts } from './names-plan.ts'
import { accountsOf } from './tenants.ts'

/**
 * What an image's own passwd and group say, read from a container that is made of it, never started, and removed. Not
 * from a container that runs: that one may have written them itself.
 */
export async function accountsOfImages(
  images: readonly ImageSummary[],
  reader: EngineReader,
  writer: EngineWriter,
): Promise<ImageAccounts[]> {
  const found: ImageAccounts[] = []
  for (const { id, tags } of images) {
    const labels = { 'paddock.probe': 'uidmap' }
    const container = await writer.createContainer({ image: id, command: ['/paddock-never-runs'], labels })
    try {
      found.push({
        image: tags[0] ?? id,
        accounts: await accountsOf(await reader.container(container), writer),
      })
    } finally {
      await writer.removeContainer(container)
    }
  }
  return found
}
