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
  /** Nanoseconds since the epoch. */
  readonly mtimeNs: bigint
  /** The change time, which nothing in a container can set; where it was read. */
  readonly ctimeNs?: bigint
  readonly inode: bigint
  /** As `fs.Stats.dev`. */
  readonly device: number
  readonly links: number
  /** Device number of a device node, else 0. As `fs.Stats.rdev`. */
  readonly rdev: number
}

/** One change of a container, decoded from its layer directory. */
export interface Change {
  /** Inside the container. */
  readonly path: BytePath
  readonly kind: ChangeKind
  /** What is there now; for `deleted`, what was. */
  readonly type: FileType
  /** Null for `deleted`. */
  readonly now: Entry | null
  /** Null for `added`. */
  readonly was: Entry | null
  /** Of a regular file's content now: hexadecimal. Only where it was asked for and the file is not too large. */
  readonly sha256?: string
  readonly wasSha256?: string
  /** The xattrs that differ from the baseline, without overlayfs's own, by the names they have inside the container. */
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
  /** Its data-only lower layers (`lowerdir=…::…`, `datadir+=`): only the content of metacopy files is looked for there. */
  readonly dataLowers: readonly string[]
  /** "/proc/<pid>/root" of a running container: the merged view. Null when stopped. */
  readonly merged: string | null
  /** Where the engine itself makes empty files and directories to mount over; none when absent. */
  readonly engineMade?: ReadonlySet<BytePath>
  /** Which xattr namespace overlayfs uses here. */
  readonly xattrPrefix: 'trusted.overlay.' | 'user.overlay.'
}
