import { constants, type Dirent, opendirSync } from 'node:fs'
import { EVENT, type FanotifyName, fanotifyInit, fanotifyMark, INIT, MARK } from '../../lib/libc/fanotify.ts'
import { close, O_PATH, openPath } from '../../lib/libc/files.ts'
import { fileHandle } from '../../lib/libc/handle.ts'
import { openBeneath } from '../../lib/libc/resolve.ts'

/**
 * Watches the folders of layer directories for what writes no file: creates, renames, deletes, chmods. The kernel tells by
 * the folder's file handle and a name (FID events; on a layer directory's folders from 6.1). Bounded: what is
 * beyond is left to the sweep.
 */
export interface LayerWatch {
  /** The group, or minus the error number where the kernel has none such. */
  readonly group: number
  /** @returns how many folders could not be watched */
  watch(containerId: string, upper: string): number
  unwatch(containerId: string): void
  /** Where an event happened; null for a folder that is not watched any more. */
  locate(name: FanotifyName): { readonly containerId: string; readonly path: string } | null
  /** A folder appeared: watches it and gives what is in it already. */
  enter(containerId: string, path: string): readonly string[]
}

interface Watched {
  readonly containerId: string
  /** Of the folder, absolute in the container; "" for the root. */
  readonly path: string
}

const { ATTRIB, MOVED_FROM, MOVED_TO, CREATE, DELETE, ONDIR, EVENT_ON_CHILD } = EVENT
const MASK = ATTRIB + MOVED_FROM + MOVED_TO + CREATE + DELETE + ONDIR + EVENT_ON_CHILD
const NAMES_AT_ONCE = 20_000

export function createLayerWatch(maximum: number): LayerWatch {
  const group = fanotifyInit(
    INIT.CLOEXEC | INIT.NONBLOCK | INIT.REPORT_DIR_FID | INIT.REPORT_NAME | INIT.UNLIMITED_MARKS,
  )
  const folders = new Map<string, Watched>()
  const uppers = new Map<string, string>()
  /** Marks one folder; false where the bound or the kernel says no. */
  function mark(containerId: string, path: string, fd: number): boolean {
    const handle = fileHandle(fd)
    if (handle === null || (folders.size >= maximum && !folders.has(handle.key))) return false
    if (fanotifyMark(group, MARK.ADD | MARK.ONLYDIR, MASK, fd) < 0) return false
    folders.set(handle.key, { containerId, path })
    return true
  }

  /** Goes through a folder and all below it, by descriptors: names in a layer directory are the container's. */
  function enterTree(containerId: string, top: string, names: string[] | null): number {
    const upper = uppers.get(containerId)
    if (upper === undefined || group < 0) return 0
    const root = openPath(upper, O_PATH | constants.O_DIRECTORY)
    if (root < 0) return 0
    let missed = 0
    const pending = [top]
    for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
      const fd = openBeneath(root, path.slice(1), O_PATH | constants.O_DIRECTORY, false)
      if (fd < 0) continue
      if (!mark(containerId, path, fd)) {
        missed++
        close(fd)
        continue
      }
      // Read after the mark: what comes in between is told twice rather than never.
      for (const entry of list(fd)) {
        const child = `${path}/${entry.name}`
        if (entry.isDirectory()) pending.push(child)
        if (names !== null && names.length < NAMES_AT_ONCE) names.push(child)
      }
      close(fd)
    }
    close(root)
    return missed
  }

  return {
    group,
    watch(containerId, upper) {
      uppers.set(containerId, upper)
      return enterTree(containerId, '', null)
    },
    unwatch(containerId) {
      const upper = uppers.get(containerId)
      uppers.delete(containerId)
      const root = upper === undefined ? -1 : openPath(upper, O_PATH | constants.O_DIRECTORY)
      for (const [key, watched] of folders) {
        if (watched.containerId !== containerId) continue
        folders.delete(key)
        if (root < 0) continue
        const fd = openBeneath(root, watched.path.slice(1), O_PATH | constants.O_DIRECTORY, false)
        if (fd < 0) continue
        fanotifyMark(group, MARK.REMOVE, MASK, fd)
        close(fd)
      }
      if (root >= 0) close(root)
    },
    locate({ handle, name }) {
      const watched = folders.get(handle)
      if (watched === undefined) return null
      const path = name === '.' || name === '' ? watched.path : `${watched.path}/${name}`
      return { containerId: watched.containerId, path: path === '' ? '/' : path }
    },
    enter(containerId, path) {
      const names: string[] = []
      enterTree(containerId, path, names)
      return names
    },
  }
}

/** The first names in a folder: a container can make millions, and what is beyond is the sweep's. */
function list(fd: number): Dirent[] {
  const entries: Dirent[] = []
  try {
    const folder = opendirSync(`/proc/self/fd/${fd}`, { encoding: 'latin1', bufferSize: 256 })
    try {
      for (let entry = folder.readSync(); entry !== null; entry = folder.readSync())
        if (entries.push(entry) >= NAMES_AT_ONCE) break
    } finally {
      folder.closeSync()
    }
  } catch {
    // It is gone, or no folder any more.
  }
  return entries
}
