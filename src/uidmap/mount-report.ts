import type { Mount } from '../engine/reader.ts'
import type { BytePath } from '../lib/byte-path.ts'
import type { Person } from './access.ts'
import type { Skipped } from './tree.ts'

/** Why someone in a container cannot use a mount: the component at fault, and the one command that mends it. */
export interface Problem {
  readonly kind: 'path' | 'user' | 'chain' | 'source' | 'read-only' | 'selinux' | 'tree'
  /** The component at fault, on the host. */
  readonly path: BytePath
  /** Who is kept out; null: everyone. */
  readonly person: string | null
  /** "rw", "x"; empty where it is not about permissions. */
  readonly lacks: string
  readonly why: string
  /** For a shell; null where Paddock knows none. */
  readonly mend: string | null
}

/** What one person may do at a mount's source. */
export interface PersonAccess {
  readonly person: Person
  /** On the host; null: the map has no id for it. */
  readonly hostUid: number | null
  readonly hostGid: number | null
  /** Permission bits. */
  readonly may: number
}

/** What became of the entries below a source. */
export interface TreeReport {
  /** Entries looked at. */
  readonly looked: number
  /** Those that someone lost access to by the mapping. */
  readonly lost: number
  /** False where the tree has more entries than are looked at. */
  readonly complete: boolean
  readonly skipped: readonly Skipped[]
}

export interface MountReport extends TreeReport {
  readonly mount: Mount
  readonly people: readonly PersonAccess[]
  readonly problems: readonly Problem[]
}
