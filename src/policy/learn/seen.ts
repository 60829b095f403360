import type { ChangeKind, FileType } from '../../cow/change.ts'
import type { BytePath } from '../../lib/byte-path.ts'

/** What became of one path while a service was watched. */
export interface SeenChange {
  readonly path: BytePath
  readonly type: FileType
  readonly kinds: ReadonlySet<ChangeKind>
  /** Of a regular file, the most that was seen; null of anything else. */
  readonly largestBytes: number | null
  /** There at one look and gone at a later one. */
  readonly passing: boolean
  /** Why it is not to be learnt without a person's word; null where nothing speaks against it. */
  readonly grave: { readonly why: string; readonly isProgram: boolean } | null
}

/** One way in which a program was run while the service was watched. */
export interface SeenProcess {
  /** Inside the container; null where it is no file there any more, or never was (memfd). */
  readonly exe: BytePath | null
  /** Name in the image's passwd, else the number. */
  readonly user: string
  /** Without argv[0], joined by spaces; bytes. */
  readonly args: string
  /** Whether one was there from the first look to the last. */
  readonly steady: boolean
  /** Begun from outside: `docker exec`, or the engine's health check. */
  readonly fromOutside: boolean
  /** Whether the program is the image's own, unchanged. */
  readonly inImage: boolean
  readonly times: number
}

/** A line of `expect`, with what it was learnt from. */
export interface LearntChange {
  readonly glob: string
  readonly kinds: readonly ChangeKind[]
  readonly maxSizeBytes: number | null
  readonly from: string
}

export interface LearntProcess {
  readonly exe: string
  readonly user: string
  /** Null: any arguments. */
  readonly args: string | null
  readonly required: boolean
  readonly from: string
}

export interface Learnt {
  readonly expect: readonly LearntChange[]
  readonly processes: readonly LearntProcess[]
  readonly execAllow: readonly { readonly glob: string; readonly from: string }[]
  /** What was seen and is left to a person. Text of the container, not escaped. */
  readonly leftOut: readonly { readonly what: string; readonly why: string }[]
}
