import { readSync } from 'node:fs'
import { FolderWatch, type Passing } from './folders.ts'
import type { Change, ChangeKind, Layer } from '../../cow/change.ts'
import { openContent } from '../../cow/content.ts'
import { lookUpPath, type Side } from '../../cow/look-up-path.ts'
import { type OpenLayer, openLayer } from '../../cow/open-layer.ts'
import { expectNothing, scanLayer } from '../../cow/scan.ts'
import { UnreadableError } from '../../cow/unreadable.ts'
import { bytePathFromText, type BytePath } from '../../lib/byte-path.ts'
import { UserError } from '../../lib/errors.ts'
import { close } from '../../lib/libc/files.ts'
import type { SeenChange } from '../../policy/learn/seen.ts'
import { gravityOf } from './gravity.ts'

/** More different paths are no normal work of a service. */
const MOST_PATHS = 100_000
const PASSWD_BYTES = 1024 * 1024

interface Path {
  type: SeenChange['type']
  readonly kinds: Set<ChangeKind>
  largestBytes: number | null
  /** Number of the look that saw it last. */
  lastLook: number
  grave: SeenChange['grave']
}

/** Gathers what becomes of a container's layer directory, look by look. */
export class ChangeWatch implements Disposable {
  readonly #paths = new Map<BytePath, Path>()
  readonly #folders = new FolderWatch((passing) => {
    this.#pass(passing)
  })
  #looks = 0

  get looks(): number {
    return this.#looks
  }

  /** Scans the layer directory once. @throws UserError when it cannot be read, or changes beyond all measure */
  async look(layer: Layer, signal: AbortSignal): Promise<void> {
    this.#looks++
    using open = openLayer(layer)
    await scanLayer(layer, { expectation: expectNothing, signal }, ({ change }) => {
      this.#see(change, open)
      this.#folders.follow(layer, change)
    })
  }

  [Symbol.dispose](): void {
    this.#folders[Symbol.dispose]()
  }

  seen(): SeenChange[] {
    return [...this.#paths].map(([path, { lastLook, ...facts }]) => ({
      path,
      ...facts,
      passing: lastLook < this.#looks,
    }))
  }

  /** What comes and goes between two looks. */
  #pass({ path, type, sizeBytes, grave }: Passing): void {
    const known = this.#paths.get(path)
    if (known !== undefined || this.#paths.size >= MOST_PATHS) return
    this.#paths.set(path, { type, kinds: new Set(['added']), largestBytes: sizeBytes, lastLook: 0, grave })
  }

  #see(change: Change, open: OpenLayer): void {
    const sizeBytes = change.now?.type === 'file' ? change.now.sizeBytes : null
    const known = this.#paths.get(change.path)
    if (known === undefined && this.#paths.size >= MOST_PATHS) {
      throw new UserError(`cannot learn from this container: it changed more than ${MOST_PATHS} paths`, {
        hint: 'put what it writes so much into a volume',
      })
    }
    const changed = known?.largestBytes !== sizeBytes || known.type !== change.type
    const path = known ?? {
      type: change.type,
      kinds: new Set(),
      largestBytes: null,
      lastLook: 0,
      grave: null,
    }
    path.kinds.add(change.kind)
    path.type = change.type
    path.lastLook = this.#looks
    if (sizeBytes !== null) path.largestBytes = Math.max(path.largestBytes ?? 0, sizeBytes)
    path.grave = graver(
      path.grave,
      gravityOf(change, changed && sizeBytes !== null ? headOf(open, change.path) : null),
    )
    this.#paths.set(change.path, path)
  }
}

/** What once was grave stays so. */
function graver(before: SeenChange['grave'], now: SeenChange['grave']): SeenChange['grave'] {
  if (before === null || (now !== null && !now.isProgram && before.isProgram)) return now
  return before
}

/** The first bytes: a program needs no right to be run to be one. */
function headOf(open: OpenLayer, path: BytePath): Buffer | null {
  return readStart(open, 'now', path, 4)
}

function readStart(open: OpenLayer, side: Side, path: BytePath, bytes: number): Buffer | null {
  try {
    const found = lookUpPath(open, side, path)
    if (found === null || found.content === null) return null
    const fd = openContent(open, found.content)
    try {
      const buffer = Buffer.alloc(bytes)
      return buffer.subarray(0, readSync(fd, buffer, 0, bytes, 0))
    } finally {
      close(fd)
    }
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error
    return null
  }
}

/** What of the image tells about processes: names of its users, and which programs are its own. */
export interface ImageFacts {
  userName(uid: number): string
  isOwn(exe: BytePath): boolean
}

export function imageFacts(layer: Layer, changes: readonly SeenChange[]): ImageFacts & Disposable {
  const open = openLayer(layer)
  const text =
    readStart(open, 'baseline', bytePathFromText('/etc/passwd'), PASSWD_BYTES)?.toString('latin1') ?? ''
  const names = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [name = '', , uid = ''] = line.split(':')
    // A name of another kind could be mistaken for a number, or be more than a name.
    if (/^[a-z_][a-z0-9_-]*$/i.test(name) && !names.has(uid)) names.set(uid, name)
  }
  const changed = new Set(changes.filter(({ kinds }) => !isMetadataOnly(kinds)).map(({ path }) => path))
  return {
    userName: (uid) => names.get(String(uid)) ?? String(uid),
    isOwn(exe) {
      if (changed.has(exe)) return false
      try {
        return lookUpPath(open, 'baseline', exe)?.entry.type === 'file'
      } catch (error) {
        if (!(error instanceof UnreadableError)) throw error
        return false
      }
    },
    [Symbol.dispose]() {
      open[Symbol.dispose]()
    },
  }
}

function isMetadataOnly(kinds: ReadonlySet<ChangeKind>): boolean {
  return kinds.size === 1 && kinds.has('metadata')
}
