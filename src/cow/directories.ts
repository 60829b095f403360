import { constants } from 'node:fs'
import {
  close,
  DIRECTORY_FLAGS,
  openAt,
  openPath,
  readEntries,
  seek,
  type StatBuffer,
  statAt,
  statBuffer,
  statFd,
} from '../lib/libc/files.ts'
import { errorText, type Memory, systemError } from '../lib/libc/library.ts'
import { UserError } from '../lib/errors.ts'
import { deviceOf, inodeOf } from './entry.ts'
import { UnreadableError } from './unreadable.ts'

/** One directory of one layer, by its place below the layer's root; open or not, as the pool decides. */
export interface Directory {
  readonly parent: Directory | null
  /** Name in the parent; of a root its absolute path on the host. */
  readonly name: string
  /** 0 the layer directory, 1 the first lower layer, and so on. */
  readonly layer: number
  /** Identity, so that it is the same directory after it was closed and opened again. */
  readonly inode: bigint
  readonly device: number
  /** Its descriptor, or -1 while it is closed. */
  fd: number
  lastUse: number
  /** How often a name was looked for in it; the names in it, once that was often and they are few. */
  lookUps: number
  names: ReadonlySet<string> | null
}

/**
 * Directories by descriptor, at most `limit` open at a time: what was not used for longest is closed, and opened again from
 * the nearest open directory above, name by name, when it is needed. So neither depth nor the number
 * of layers meets a limit of the kernel (PATH_MAX, RLIMIT_NOFILE), and no path is walked through links.
 */
export class Directories implements Disposable {
  readonly #limit: number
  readonly #open = new Set<Directory>()
  /** Of the directory that `root` or `child` opened last. */
  readonly opened: StatBuffer = statBuffer()
  #clock = 0

  constructor(limit = 256) {
    this.#limit = limit
  }

  /** @param path absolute, chosen by the host, links allowed */
  root(path: string, layer: number): Directory {
    const fd = openPath(path, DIRECTORY_FLAGS & ~constants.O_NOFOLLOW)
    if (fd < 0) {
      throw new UserError(`cannot read the layer '${path}': ${errorText(fd)}`, {
        hint:
          fd === -2
            ? 'see whether the container was removed meanwhile'
            : "run it as root, on the engine's own host",
        cause: systemError(fd, 'openat', path),
      })
    }
    return this.#remember(fd, null, path, layer)
  }

  /** @returns the directory, or minus the error number: -20 (ENOTDIR) where the name is something else */
  child(parent: Directory, name: string): Directory | number {
    const fd = openDirectoryAt(this.fd(parent), name)
    return fd < 0 ? fd : this.#remember(fd, parent, name, parent.layer)
  }

  /** Its descriptor, valid until the next call that may open another. */
  fd(directory: Directory): number {
    directory.lastUse = ++this.#clock
    return directory.fd >= 0 ? directory.fd : this.#reopen(directory)
  }

  /** What `name` in it is: 0, or minus the error number. */
  statName(directory: Directory, name: string, into: StatBuffer): number {
    return statAt(this.fd(directory), name, into)
  }

  /**
   * Fills `into` with entries; reading goes on where `offset` says, which is 0 or the `offset` of the last entry read,
   * whoever read it meanwhile and though it was closed and opened again.
   */
  entries(directory: Directory, into: Memory, offset: bigint): number {
    const fd = this.fd(directory)
    const answer = seek(fd, offset, 0)
    return answer < 0 ? answer : readEntries(fd, into)
  }

  /** Closes one that is known to be done with. */
  release(directory: Directory): void {
    if (directory.fd < 0) return
    close(directory.fd)
    directory.fd = -1
    this.#open.delete(directory)
  }

  get openCount(): number {
    return this.#open.size
  }

  [Symbol.dispose](): void {
    for (const directory of [...this.#open]) this.release(directory)
  }

  #remember(fd: number, parent: Directory | null, name: string, layer: number): Directory {
    if (this.#open.size >= this.#limit) this.#closeOldest()
    const answer = statFd(fd, this.opened)
    if (answer < 0) {
      close(fd)
      throw new UnreadableError(answer)
    }
    const directory: Directory = {
      parent,
      name,
      layer,
      inode: inodeOf(this.opened),
      device: deviceOf(this.opened),
      fd,
      lastUse: ++this.#clock,
      lookUps: 0,
      names: null,
    }
    this.#open.add(directory)
    return directory
  }

  #reopen(directory: Directory): number {
    // Deep trees must not recurse: first up to the nearest open one, then down.
    const closed: Directory[] = []
    let above: Directory | null = directory
    while (above !== null && above.fd < 0) {
      closed.push(above)
      above = above.parent
    }
    for (let next = closed.pop(); next !== undefined; next = closed.pop()) {
      if (this.#open.size >= this.#limit) this.#closeOldest(next.parent)
      const fd =
        next.parent === null
          ? openPath(next.name, DIRECTORY_FLAGS & ~constants.O_NOFOLLOW)
          : openDirectoryAt(next.parent.fd, next.name)
      if (fd < 0) throw new UnreadableError('it was moved or removed while it was read')
      const answer = statFd(fd, this.opened)
      if (answer < 0 || inodeOf(this.opened) !== next.inode || deviceOf(this.opened) !== next.device) {
        close(fd)
        throw new UnreadableError('another directory was put in its place while it was read')
      }
      next.fd = fd
      next.lastUse = ++this.#clock
      this.#open.add(next)
    }
    return directory.fd
  }

  /** A quarter at once, so that this costs nothing per directory. */
  #closeOldest(keep: Directory | null = null): void {
    const byUse = [...this.#open].sort((a, b) => a.lastUse - b.lastUse)
    for (const directory of byUse.slice(0, Math.ceil(this.#limit / 4))) {
      if (directory !== keep) this.release(directory)
    }
  }
}

function openDirectoryAt(parent: number, name: string): number {
  const fd = openAt(parent, name, DIRECTORY_FLAGS)
  // Only the owner may leave the access time alone; root always may, a rootless engine's user not on every file.
  return fd === -1 ? openAt(parent, name, DIRECTORY_FLAGS & ~constants.O_NOATIME) : fd
}
