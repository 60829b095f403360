import { type Dirent, opendirSync } from 'node:fs'
import { hasCode } from '../../lib/errors.ts'

/** Entries of a folder as they come, so that who stops early has not read ten million names; none where it may not be read. */
export function* entriesOf(place: string): Generator<Dirent> {
  let folder
  try {
    folder = opendirSync(place, { bufferSize: 256 })
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP')) return
    throw error
  }
  try {
    for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) yield entry
  } finally {
    folder.closeSync()
  }
}
