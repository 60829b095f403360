import type { BytePath } from '../lib/byte-path.ts'

/** design.md's words: what became of a path, compared with the baseline. */
export type ChangeKind = 'added' | 'modified' | 'deleted' | 'metadata' | 'replaced'

export type FileType =
  'file' | 'directory' | 'symlink' | 'character-device' | 'block-device' | 'fifo' | 'socket'

/** One path as it stands on one side, the layer directory or the baseline. */
export interface Entry {
  readonly type: FileType
  /** st_mode with the type bits. */
  readonly mode: number
  /** As the host sees them. */
  readonly uid: number
  readonly gid: number
  readonly sizeBytes: number
  readonly mtimeNs: bigint
  readonly inode: bigint
  readonly device: bigint
  readonly links: number
  /** Device number of a device node, else 0n. */
  readonly rdev: bigint
}

/** One change of a container, decoded from its layer directory. */
export interface Change {
  /** Inside the container. */
  readonly path: BytePath
  readonly kind: ChangeKind
  /** What is there now; for `deleted`, what was. */
  readonly type: FileType
  /** Null for `deleted`, and where only the name was read because policy expects it. */
  readonly now: Entry | null
  /** Null for `added`, and where not looked at. */
  readonly was: Entry | null
  /** Of the content now: hexadecimal, where it was asked for or needed. */
  readonly sha256?: string
  readonly wasSha256?: string
  /** Whether xattrs (without overlayfs's own) differ from the baseline, and which. */
  readonly xattrs: readonly string[]
  /** File capabilities now (`security.capability` present). */
  readonly fileCapabilities: boolean
}

/** A path that could not be read: data beside the result, never an exception. */
export interface Unreadable {
  readonly path: BytePath
  /** "EACCES: permission denied". */
  readonly error: string
}

/** Where a container's layer directory and its baseline lie on the host. */
export interface Layer {
  /** overlayfs's upperdir. Absolute. */
  readonly upper: string
  /** overlayfs's lowerdirs, top first. Absolute. */
  readonly lowers: readonly string[]
  /** "/proc/<pid>/root" of a running container: the merged view. Null when stopped. */
  readonly merged: string | null
  /** Which xattr namespace overlayfs uses here. */
  readonly xattrPrefix: 'trusted.overlay.' | 'user.overlay.'
}
