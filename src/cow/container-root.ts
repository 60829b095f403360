import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type BytePath, pathText } from '../lib/byte-path.ts'
import { UserError } from '../lib/errors.ts'
import {
  close,
  mountIdAt,
  O_PATH,
  openAt,
  openPath,
  type StatBuffer,
  statAt,
  statBuffer,
} from '../lib/libc/files.ts'
import { errorText, systemError } from '../lib/libc/library.ts'
import { createAt, unlinkAt } from '../lib/libc/write-files.ts'
import type { Layer } from './change.ts'
import { UnreadableError } from './unreadable.ts'

/**
 * The root of a running container, open for changes. Every path is gone name by name, through folders alone: a
 * symbolic link put in the way, which would lead to the host's own files, ends the way, and so does a mount.
 */
export interface ContainerRoot extends Disposable {
  /** The folder that holds the last name of `path`, for the caller to close. @throws UnreadableError */
  openParent(path: BytePath): { readonly fd: number; readonly name: string }
  /** @throws UnreadableError where `name` in `dir` lies on another mount than the root */
  refuseMount(dir: number, name: string): void
}

const FOLDER_FLAGS = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW
const NO_SUCH = -2

/**
 * @param layer of a running container
 * @throws UserError where its root cannot be written, or is not that of this layer
 */
export function openContainerRoot(layer: Layer): ContainerRoot {
  if (layer.merged === null)
    throw new UserError('cannot restore in a container that does not run', {
      hint: 'start it first, or remove it: a new container begins with the image as it is',
    })
  const root = openPath(layer.merged, O_PATH | constants.O_DIRECTORY)
  if (root < 0) throw notReachable(layer.merged, root)
  try {
    const stat = statBuffer()
    const mount = mountIdAt(root, '', stat)
    if (typeof mount !== 'bigint') {
      throw new UserError('cannot restore: this kernel does not tell mounts apart', {
        hint: 'use Linux 5.8 or later',
      })
    }
    proveSame(layer, root, stat)
    return containerRoot(root, mount, stat)
  } catch (error) {
    close(root)
    throw error
  }
}

const EROFS = -30

function notReachable(path: string, answer: number): UserError {
  return new UserError(`cannot reach the container's files: ${errorText(answer)}`, {
    hint:
      answer === EROFS
        ? 'its root is mounted read-only; a new container begins with the image as it is'
        : "run it as root on the engine's own host, while the container runs",
    cause: systemError(answer, 'openat', path),
  })
}

/**
 * A process id may be another's by now, and "/" then the host's own: what is written here must turn up in the layer.
 */
function proveSame(layer: Layer, root: number, stat: StatBuffer): void {
  const name = temporaryName()
  const fd = createAt(
    root,
    name,
    0o600,
    constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
  )
  if (fd < 0) throw notReachable(layer.merged ?? '', fd)
  close(fd)
  try {
    const upper = openPath(layer.upper, O_PATH | constants.O_DIRECTORY)
    if (upper < 0) throw notReachable(layer.upper, upper)
    const answer = statAt(upper, name, stat)
    close(upper)
    if (answer < 0) {
      throw new UserError(
        "cannot restore: the container's files are not those of its layer directory any more",
        {
          hint: 'it may have been restarted meanwhile: try again',
        },
      )
    }
  } finally {
    unlinkAt(root, name)
  }
}

/** What nobody guesses in time to put something else there. */
export function temporaryName(): string {
  return `.paddock-restore-${randomBytes(12).toString('hex')}`
}

function containerRoot(root: number, mount: bigint, stat: StatBuffer): ContainerRoot {
  function refuseMount(dir: number, name: string): void {
    const answer = mountIdAt(dir, name, stat)
    if (typeof answer === 'number' && answer === NO_SUCH) return
    if (typeof answer === 'number') throw new UnreadableError(answer)
    if (answer !== mount) throw new UnreadableError('a volume or bind mount lies on the way')
  }

  return {
    refuseMount,
    openParent(path) {
      const names = path === '/' ? [] : path.slice(1).split('/')
      const last = names.pop() ?? '.'
      let fd = openAt(root, '.', FOLDER_FLAGS)
      for (const name of names) {
        const next = fd < 0 ? fd : openAt(fd, name, FOLDER_FLAGS)
        if (fd >= 0) close(fd)
        fd = next
        if (fd < 0) throw new UnreadableError(wayText(path, name, fd))
        try {
          refuseMount(fd, '')
        } catch (error) {
          close(fd)
          throw error
        }
      }
      if (fd < 0) throw new UnreadableError(fd)
      return { fd, name: last }
    },
    [Symbol.dispose]() {
      close(root)
    },
  }
}

function wayText(path: BytePath, name: string, answer: number): string {
  return `on the way to it '${pathText(name as BytePath)}' is no folder (${errorText(answer)}): ${pathText(path)}`
}
