import { openWriter } from '../engine/writer.ts'
import { UserError } from '../lib/errors.ts'
import { type ReturnedEngine, waitForEngine } from './come-back.ts'
import type { DisablePlan } from './disable-plan.ts'
import type { HostFiles } from './host-files.ts'
import { discardImages, imagesWait, loadImages, type Progress, saveImages } from './images.ts'
import type { Restart } from './restart.ts'
import type { Setup } from './setup.ts'
import { restoreDataRoot, writeDisable } from './write-plan.ts'

export interface DisableJob {
  readonly setup: Setup
  readonly files: HostFiles
  readonly plan: DisablePlan
  readonly restart: Restart | null
  readonly migrateImages: boolean
  readonly signal: AbortSignal
  readonly tell: (line: string) => void
  readonly progress: Progress
}

export interface DisableResult {
  readonly written: readonly string[]
  readonly restarted: boolean
  readonly images: number | null
}

/** The way back: files, restart, images. */
export async function disable(job: DisableJob): Promise<DisableResult> {
  const { setup, files, plan, restart, tell } = job
  if (job.migrateImages) await keepImages(job)
  const written: string[] = []
  writeDisable(setup.host, files, plan, (path) => {
    written.push(path)
    tell(`wrote ${setup.host.root}${path}`)
  })
  // An enable that was cut off kept them; the engine that has them is the one that is returned to.
  discardImages(setup.host, 'remapped')
  if (restart === null || setup.engine === null) {
    restoreDataRoot(files.record)
    const plain = setup.engine !== null && !setup.engine.info.usernsRemap ? setup.engine : null
    return { written, restarted: false, images: plain === null ? null : await takeImages(job, plain) }
  }
  await restart.run()
  const engine = await waitForEngine(setup.engine.reader.address, false, job.signal)
  tell('restarted the engine; it does not remap any more')
  restoreDataRoot(files.record)
  return { written, restarted: true, images: await takeImages(job, engine) }
}

async function keepImages({ setup, progress, signal, tell }: DisableJob): Promise<void> {
  const { engine, host } = setup
  if (engine === null)
    throw new UserError('cannot carry images over without an engine', {
      hint: 'start it, or name it with --engine',
    })
  if (!engine.info.usernsRemap) return
  const images = await engine.reader.images()
  if (images.length === 0) return
  await saveImages(host, 'plain', images, await openWriter(engine.reader, signal), progress)
  tell(`kept ${images.length} images`)
}

async function takeImages(
  { setup, migrateImages, progress, signal, tell }: DisableJob,
  { reader }: ReturnedEngine,
) {
  if (!migrateImages || !imagesWait(setup.host, 'plain')) return null
  await loadImages(setup.host, 'plain', await openWriter(reader, signal), progress)
  const count = (await reader.images()).length
  tell(`carried the images over: the engine has ${count}`)
  return count
}
