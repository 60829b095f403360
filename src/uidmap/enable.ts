import { openWriter } from '../engine/writer.ts'
import { UserError } from '../lib/errors.ts'
import { waitForEngine, verifyMaps, type ReturnedEngine } from './come-back.ts'
import { planDisable } from './disable-plan.ts'
import type { EnablePlan } from './enable-plan.ts'
import { readHostFiles, type HostFiles } from './host-files.ts'
import type { IdMaps } from './id-map.ts'
import { discardImages, imagesWait, loadImages, type Progress, saveImages } from './images.ts'
import type { Restart } from './restart.ts'
import type { Setup } from './setup.ts'
import { restoreDataRoot, writeDisable, writeEnable } from './write-plan.ts'

export interface EnableJob {
  readonly setup: Setup
  readonly files: HostFiles
  readonly plan: EnablePlan
  /** Null: the operator restarts it. */
  readonly restart: Restart | null
  readonly migrateImages: boolean
  readonly signal: AbortSignal
  /** Told what was done, as it is done. */
  readonly tell: (line: string) => void
  readonly progress: Progress
}

export interface EnableResult {
  readonly written: readonly string[]
  readonly restarted: boolean
  /** Of a container started to see it; null where the engine was not restarted yet. */
  readonly verified: IdMaps | null
  /** How many images the remapped engine took in; null: none were asked for, or they wait for the restart. */
  readonly images: number | null
}

/** Carries the plan out: files, restart, proof, images. @throws a UserError; then everything is as before */
export async function enable(job: EnableJob): Promise<EnableResult> {
  const { setup, files, plan, restart, tell } = job
  if (job.migrateImages) await keepImages(job)
  const written: string[] = []
  try {
    if (plan.edits.length > 0 || files.record?.complete === false)
      writeEnable(setup.host, files, plan, setup.configFile, setup.engine?.info.dataRoot ?? null, (path) => {
        written.push(path)
        tell(`wrote ${setup.host.root}${path}`)
      })
  } catch (error) {
    discardImages(setup.host, 'remapped')
    throw error
  }
  // A disable that was cut off kept them; the remapped engine has them still.
  discardImages(setup.host, 'plain')
  const nothing = { written, restarted: false, verified: null, images: null }
  if (setup.engine === null) return nothing
  if (restart === null) {
    // Restarted by the operator since: what is left to do is proved and done now.
    if (!setup.engine.info.usernsRemap) return nothing
    const verified = await verifyMaps(setup.engine, plan.maps, job.signal)
    return { ...nothing, verified, images: await takeImages(job, setup.engine) }
  }
  const back = await restarted(job, restart, setup.engine.reader.address)
  return { written, restarted: true, verified: back.maps, images: await takeImages(job, back.engine) }
}

async function keepImages({ setup, progress, signal, tell }: EnableJob): Promise<void> {
  const { engine, host } = setup
  if (engine === null)
    throw new UserError('cannot carry images over without an engine', {
      hint: 'start it, or name it with --engine',
    })
  if (engine.info.usernsRemap) return
  const images = await engine.reader.images()
  if (images.length === 0) return
  await saveImages(host, 'remapped', images, await openWriter(engine.reader, signal), progress)
  tell(`kept ${images.length} images`)
}

async function takeImages(
  { setup, migrateImages, progress, signal, tell }: EnableJob,
  engine: ReturnedEngine,
) {
  if (!migrateImages || !imagesWait(setup.host, 'remapped')) return null
  await loadImages(setup.host, 'remapped', await openWriter(engine.reader, signal), progress)
  const count = (await engine.reader.images()).length
  tell(`carried the images over: the engine has ${count}`)
  return count
}

async function restarted(
  job: EnableJob,
  restart: Restart,
  address: string,
): Promise<{ engine: ReturnedEngine; maps: IdMaps }> {
  try {
    await restart.run()
    const engine = await waitForEngine(address, true, job.signal)
    const maps = await verifyMaps(engine, job.plan.maps, job.signal)
    job.tell('restarted the engine; a container started to see it has the planned ids')
    return { engine, maps }
  } catch (error) {
    throw await undone(job, restart, address, error)
  }
}

/** The files as they were, and the engine with them. @returns what to throw */
async function undone(
  { setup, tell }: EnableJob,
  restart: Restart,
  address: string,
  error: unknown,
): Promise<unknown> {
  const { host, configFile } = setup
  const files = readHostFiles(host, configFile)
  writeDisable(host, files, planDisable(host, files), (path) => tell(`put ${host.root}${path} back`))
  const why = error instanceof Error ? error.message : String(error)
  const log = `see ${restart.log}`
  try {
    await restart.run()
    // Whatever ended the first try, an operator's Ctrl-C too, does not end the way back.
    await waitForEngine(address, false, new AbortController().signal)
  } catch (second) {
    const also = second instanceof Error ? second.message : String(second)
    return new UserError(
      `cannot enable remapping: ${why}; every file is as it was, but the engine does not come back with them either: ${also}`,
      { hint: log, cause: error },
    )
  }
  restoreDataRoot(files.record)
  discardImages(host, 'remapped')
  return new UserError(`cannot enable remapping: ${why}; it was undone, and the engine runs as before`, {
    hint: log,
    cause: error,
  })
}
