import { constants } from 'node:fs'
import { close, openAt, readEntries, seek } from '../lib/libc/files.ts'
import { allocate } from '../lib/libc/library.ts'
import { makeDirectoryAt, removeDirectoryAt, renameAt, unlinkAt } from '../lib/libc/write-files.ts'
import { type ContainerRoot, temporaryName } from './container-root.ts'
import { eachName } from './dirents.ts'
import { UnreadableError } from './unreadable.ts'

const FOLDER_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
const EISDIR = -21
const ENOTEMPTY = -39
/** Each takes some 2,000 names away, unless somebody fills what is emptied: many more than any tree needs. */
const MOST_PASSES = 100_000

const names = allocate(65_536)

/**
 * Removes a folder and what is in it, however deep and large: it is first moved out of sight in one step, then every
 * folder found in it is moved up beside it, so that no path grows and no more than two folders are open.
 * Gives control back after each piece; what is left when it is made to stop goes back where it was.
 * @param dir where it lies
 * @throws UnreadableError where not all of it could be removed
 */
export function* removeTree(root: ContainerRoot, dir: number, name: string): Generator<undefined> {
  const bin = temporaryName()
  must(makeDirectoryAt(dir, bin, 0o700))
  const fd = openAt(dir, bin, FOLDER_FLAGS)
  if (fd < 0) throw new UnreadableError(fd)
  try {
    root.refuseMount(dir, name)
    must(renameAt(dir, name, fd, '0', false))
    yield* empty(root, fd)
    must(removeDirectoryAt(dir, bin))
  } catch (error) {
    renameAt(fd, '0', dir, name, false)
    if (removeDirectoryAt(dir, bin) === ENOTEMPTY && error instanceof UnreadableError)
      throw new UnreadableError(`${error.message}; part of what was in it lies beside it in ${bin}`)
    throw error
  } finally {
    close(fd)
  }
}

/** What is spent of the passes, and which numbers are names in the bin. */
interface Progress {
  passes: number
  names: number
}

function* empty(root: ContainerRoot, bin: number): Generator<undefined> {
  const progress: Progress = { passes: 0, names: 1 }
  for (let folders = listNames(bin, progress); folders.length > 0; folders = listNames(bin, progress))
    for (const folder of folders) yield* emptyFolder(root, bin, folder, progress)
}

function* emptyFolder(
  root: ContainerRoot,
  bin: number,
  folder: string,
  progress: Progress,
): Generator<undefined> {
  const fd = openAt(bin, folder, FOLDER_FLAGS)
  if (fd < 0) {
    must(unlinkAt(bin, folder))
    return
  }
  try {
    // What is mounted on it since it was moved here would be emptied in its stead.
    root.refuseMount(fd, '')
    for (let found = listNames(fd, progress); found.length > 0; found = listNames(fd, progress)) {
      for (const name of found) {
        root.refuseMount(fd, name)
        const answer = unlinkAt(fd, name)
        if (answer === EISDIR) must(renameAt(fd, name, bin, String(progress.names++), false))
        else must(answer)
      }
      yield
    }
  } finally {
    close(fd)
  }
  const answer = removeDirectoryAt(bin, folder)
  if (answer !== ENOTEMPTY) must(answer)
}

/** The first names in it, from its beginning; none when it is empty. */
function listNames(fd: number, progress: Progress): readonly string[] {
  if (progress.passes++ > MOST_PASSES)
    throw new UnreadableError('something in the container keeps writing there: pause it, then try again')
  const found: string[] = []
  must(seek(fd, 0, 0))
  while (found.length === 0) {
    const length = readEntries(fd, names)
    must(length)
    if (length === 0) break
    eachName(names.bytes, length, (start, end) => found.push(names.bytes.toString('latin1', start, end)))
  }
  return found
}

function must(answer: number): void {
  if (answer < 0 && answer !== -2) throw new UnreadableError(answer)
}
