import { allocate, type Memory } from '../lib/libc/library.ts'
import { type StatBuffer, statBuffer } from '../lib/libc/files.ts'
import type { Layer } from './change.ts'
import { Directories, type Directory } from './directories.ts'

/** A layer directory and its baseline, open for reading, with the buffers that reading needs. To be disposed of. */
export interface OpenLayer extends Disposable {
  readonly layer: Layer
  readonly directories: Directories
  readonly upper: Directory
  /** The roots of the lower layers, top first. */
  readonly lowers: readonly Directory[]
  readonly dataLowers: readonly Directory[]
  /** Of the last look at a name. */
  readonly stat: StatBuffer
  /** The entries of the directory being decoded. */
  readonly names: Memory
}

const NAMES_BYTES = 65_536

/** @throws UserError where one of its directories cannot be opened */
export function openLayer(layer: Layer, options: { openDirectories?: number } = {}): OpenLayer {
  const directories = new Directories(options.openDirectories)
  try {
    let index = 0
    let names: Memory | null = null
    return {
      layer,
      directories,
      upper: directories.root(layer.upper, index++),
      lowers: layer.lowers.map((path) => directories.root(path, index++)),
      dataLowers: layer.dataLowers.map((path) => directories.root(path, index++)),
      stat: statBuffer(),
      // Only who lists directories needs it.
      get names() {
        return (names ??= allocate(NAMES_BYTES))
      },
      [Symbol.dispose]() {
        directories[Symbol.dispose]()
      },
    }
  } catch (error) {
    directories[Symbol.dispose]()
    throw error
  }
}
