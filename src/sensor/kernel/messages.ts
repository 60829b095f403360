import type { MarkedContainer } from '../verdict/messages.ts'
import type { Lineage, ProcessInfo } from '../process-info.ts'

/** What the kernel thread is given when it starts. */
export interface KernelSetup {
  readonly proc: string
  /** The group of close-after-write events; made by the main thread, which gives it to the verdict worker too. */
  readonly changes: number
  readonly wake: number
  /** [0] descriptors lent to the main thread, [1] batches it has not taken yet. */
  readonly counters: SharedArrayBuffer
  readonly watchedDirectories: number
}

export type ToKernel =
  /** Its programs are asked for, whether or not it can be marked: all, where policy names them, else those that are strange. */
  | { readonly type: 'follow'; readonly containerId: string; readonly all: boolean }
  | { readonly type: 'unfollow'; readonly containerId: string }
  /** Watch the folders of a layer directory. */
  | { readonly type: 'watch'; readonly container: MarkedContainer }
  | { readonly type: 'unwatch'; readonly containerId: string }
  | { readonly type: 'stop' }

/** A file that was closed after it was written to. */
export interface Written {
  /** Lent, to be closed and counted back; null where too many are out. */
  readonly fd: number | null
  readonly device: number
  readonly mountId: number
  readonly inode: number
  readonly links: number
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly sizeBytes: number
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
  /** latin1, absolute in the container; with " (deleted)" behind it where `links` is 0. */
  readonly path: string
  /** Who did it, as far as it was to be seen. */
  readonly who: Lineage | null
}

/** A name in a layer directory that was made, moved, removed or had its metadata changed. */
export interface Named {
  readonly containerId: string
  /** latin1, absolute in the container. */
  readonly path: string
  /** Who did it, as far as it was to be seen. */
  readonly who: Lineage | null
}

/** A program started, or a process changed its user, in a container. */
export interface Started {
  readonly what: 'exec' | 'user'
  readonly containerId: string
  readonly process: ProcessInfo
  readonly who: Lineage | null
  /** Device of the executable as `stat` has it; -1 where it could not be told. */
  readonly exeDevice: number
}

export interface Batch {
  readonly written: readonly Written[]
  readonly named: readonly Named[]
  readonly started: readonly Started[]
}

export type FromKernel =
  | { readonly type: 'ready' }
  | { readonly type: 'batch'; readonly batch: Batch }
  | { readonly type: 'overflow'; readonly source: 'fanotify' | 'layer-watch' | 'process-connector' }
  | { readonly type: 'lost'; readonly what: string }
  | { readonly type: 'unwatched'; readonly containerId: string; readonly directories: number }
