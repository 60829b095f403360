import { type FSWatcher, type Stats, lstatSync, realpathSync, watch } from 'node:fs'
import type { Change, FileType, Layer } from '../../cow/change.ts'
import type { BytePath } from '../../lib/byte-path.ts'
import type { SeenChange } from '../../policy/learn/seen.ts'
import { gravityOf } from './gravity.ts'

/** Seen in a folder of the layer directory between two looks. */
export interface Passing {
  readonly path: BytePath
  readonly type: FileType
  readonly sizeBytes: number | null
  readonly grave: SeenChange['grave']
}

const MOST_FOLDERS = 500

/**
 * Follows the folders of a layer directory in which something changed (inotify): what is made there and gone before
 * the next look is seen too, if it lives for a moment.
 */
export class FolderWatch implements Disposable {
  readonly #tell: (passing: Passing) => void
  readonly #folders = new Map<string, FSWatcher>()

  constructor(tell: (passing: Passing) => void) {
    this.#tell = tell
  }

  /** Follows the folder that a change lies in, and the one that it is. */
  follow({ upper }: Layer, { path, type, kind }: Change): void {
    this.#watch(upper, path.slice(0, path.lastIndexOf('/')))
    if (type === 'directory' && kind !== 'deleted') this.#watch(upper, path)
  }

  [Symbol.dispose](): void {
    for (const watcher of this.#folders.values()) watcher.close()
  }

  #watch(upper: string, folder: string): void {
    // Named as bytes, and Node takes text: a folder whose name is not UTF-8 has the looks alone.
    const full = upper + Buffer.from(folder, 'latin1').toString('utf8')
    if (this.#folders.has(full) || this.#folders.size >= MOST_FOLDERS) return
    try {
      // No link on the way leads out. One put there at this very moment would only add names of the host to a list.
      if (realpathSync(full) !== full) return
      const watcher = watch(full, { encoding: 'buffer' }, (_, name) => {
        if (name !== null) this.#look(full, folder, name)
      })
      watcher.on('error', () => {
        watcher.close()
      })
      this.#folders.set(full, watcher)
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error)) throw error
      // Gone meanwhile, or no more watches to be had.
    }
  }

  #look(full: string, folder: string, name: Buffer): void {
    let stats: Stats
    try {
      stats = lstatSync(Buffer.concat([Buffer.from(`${full}/`), name]))
    } catch {
      // Gone before it could be looked at: what it was is not known, and not learnt.
      return
    }
    // Whiteouts, links and the like are for the looks.
    if (!stats.isFile()) return
    const path = `${folder}/${name.toString('latin1')}` as BytePath
    const now = {
      type: 'file',
      mode: stats.mode,
      uid: stats.uid,
      gid: stats.gid,
      sizeBytes: stats.size,
      mtimeNs: 0n,
      inode: BigInt(stats.ino),
      device: stats.dev,
      links: stats.nlink,
      rdev: 0,
    } as const
    const change: Change = {
      path,
      kind: 'added',
      type: 'file',
      now,
      was: null,
      xattrs: [],
      fileCapabilities: false,
    }
    this.#tell({ path, type: 'file', sizeBytes: stats.size, grave: gravityOf(change, null) })
  }
}
