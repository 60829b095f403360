import { constants, openSync, readSync } from 'node:fs'
import type { BytePath } from '../lib/byte-path.ts'
import { hasCode } from '../lib/errors.ts'
import { attributeOf } from '../lib/libc/attributes.ts'
import { openEntry, release, statOf } from './handle.ts'

const O_PATH = 0o10000000

/**
 * A file in the etc of a container, by descriptor: no link is followed, and what is no regular file is not opened, for
 * it might wait for ever. The layers of a file system are looked into from the top: a file in one hides those below,
 * and so does anything else there (a whiteout, an opaque folder: overlayfs.rst).
 * @param layers folders, the top one first; `/proc/<pid>/root` alone for a container that runs
 * @returns null where there is none, or it is longer than `maxBytes`
 */
export function accountFile(layers: readonly string[], name: string, maxBytes: number): Buffer | null {
  for (const layer of layers) {
    const found = inLayer(layer, name, maxBytes)
    if (found !== 'look below') return found
  }
  return null
}

function inLayer(layer: string, name: string, maxBytes: number): Buffer | null | 'look below' {
  const open: number[] = []
  const keep = (fd: number) => {
    open.push(fd)
    return fd
  }
  let isOpaque = false
  try {
    const root = keep(openSync(layer, O_PATH | constants.O_DIRECTORY))
    const etc = keep(openEntry(root, 'etc' as BytePath))
    if (!statOf(etc).isDirectory()) return null
    isOpaque = attributeOf(etc, 'trusted.overlay.opaque')?.toString('latin1') === 'y'
    const entry = keep(openEntry(etc, name as BytePath))
    const stat = statOf(entry)
    if (!stat.isFile() || stat.size > maxBytes) return null
    // Through the descriptor: this very inode, whatever lies under the name by now.
    const file = keep(openSync(`/proc/self/fd/${entry}`, constants.O_RDONLY))
    const bytes = Buffer.alloc(Number(stat.size))
    return bytes.subarray(0, readSync(file, bytes))
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return isOpaque ? null : 'look below'
    if (hasCode(error, 'ESRCH', 'EACCES', 'ENOTDIR', 'ELOOP', 'EIO')) return null
    throw error
  } finally {
    for (const fd of open) release(fd)
  }
}
