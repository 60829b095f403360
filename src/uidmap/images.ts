import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  openSync,
  fsyncSync,
  closeSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ImageSummary } from '../engine/reader.ts'
import type { EngineWriter } from '../engine/writer.ts'
import { hasCode, UserError } from '../lib/errors.ts'
import { syncFolder } from './file-edit.ts'
import type { Host } from './host.ts'

/*
 * Images are carried over a restart in a file: the engine that has them and the one that takes them never run at the
 * same time. Which of the two it is for stands in the file's name, so that a run that was cut off can be taken up.
 */

/** Which engine takes the images in. */
export type Destination = 'remapped' | 'plain'

/** Told how far it is: bytes of about so many; null where the sum is not known. */
export type Progress = (doneBytes: number, allBytes: number) => void

export function imageFile(host: Host, destination: Destination): string {
  return join(host.stateDir, `images-for-${destination}.tar`)
}

/** Whether images wait to be taken in. */
export function imagesWait(host: Host, destination: Destination): boolean {
  return existsSync(imageFile(host, destination))
}

/** What `docker save` takes: the tags, or the id of an image without one. */
export function referencesOf(images: readonly ImageSummary[]): string[] {
  return images.flatMap(({ id, tags }) => {
    const named = tags.filter((tag) => !tag.includes('<none>'))
    return named.length === 0 ? [id] : named
  })
}

/** Writes all images to the file; on the disk when it returns. */
export async function saveImages(
  host: Host,
  destination: Destination,
  images: readonly ImageSummary[],
  writer: EngineWriter,
  progress: Progress,
): Promise<void> {
  const file = imageFile(host, destination)
  const partial = `${file}.partial`
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const allBytes = images.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  refuseFull(dirname(file), allBytes)
  try {
    await pipeline(
      Readable.from(writer.saveImages(referencesOf(images))),
      counted(allBytes, progress),
      createWriteStream(partial, { mode: 0o600 }),
    )
  } catch (error) {
    rmSync(partial, { force: true })
    if (!hasCode(error, 'ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EACCES')) throw error
    throw new UserError(`cannot keep the images in ${partial}: ${error.message}; nothing was changed`, {
      hint: 'make room there, or leave --migrate-images out',
      cause: error,
    })
  }
  const fd = openSync(partial, 'r')
  fsyncSync(fd)
  closeSync(fd)
  renameSync(partial, file)
  syncFolder(dirname(file))
}

/** Takes in what saveImages wrote, and removes the file. */
export async function loadImages(
  host: Host,
  destination: Destination,
  writer: EngineWriter,
  progress: Progress,
): Promise<void> {
  const file = imageFile(host, destination)
  const allBytes = statSync(file).size
  try {
    await writer.loadImages(createReadStream(file).pipe(counted(allBytes, progress)))
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    throw new UserError(`${error.message}; they are kept in ${file}`, {
      hint: `say 'docker load -i ${file}', or run the same command again`,
      cause: error,
    })
  }
  rmSync(file)
}

/** The images are where they were after all. */
export function discardImages(host: Host, destination: Destination): void {
  rmSync(imageFile(host, destination), { force: true })
}

function refuseFull(folder: string, neededBytes: number): void {
  const { bavail, bsize } = statfsSync(folder)
  if (bavail * bsize > neededBytes) return
  throw new UserError(
    `cannot keep the images in ${folder}: they may take ${neededBytes} bytes, and ${bavail * bsize} are free; nothing was changed`,
    { hint: 'make room there, name another folder in PADDOCK_STATE_DIR, or leave --migrate-images out' },
  )
}

function counted(allBytes: number, progress: Progress): Transform {
  let doneBytes = 0
  return new Transform({
    transform(piece: Buffer, _, next) {
      doneBytes += piece.length
      progress(doneBytes, allBytes)
      next(null, piece)
    },
  })
}
