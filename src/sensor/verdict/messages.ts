import type { ExecMode } from '../../policy/policy.ts'
import type { ProcessInfo } from '../process-info.ts'

/** What the verdict worker needs to know of a container's policy: nothing that it would have to parse. */
export interface ExecPolicy {
  readonly mode: ExecMode
  readonly execAllow: readonly string[]
}

/** A running container, by its init; the start time tells a reused process id apart. */
export interface InitProcess {
  readonly containerId: string
  readonly pid: number
}

/** What the worker is given when it starts. */
export interface VerdictSetup {
  readonly proc: string
  /** The eventfd by which a message is announced: the worker has no event loop. */
  readonly wake: number
  /** The group of close-after-write events, which gets its marks at the gate as well; -1 for none. */
  readonly changes: number
  /** How many event descriptors may be lent to the main thread at once; counted in `lent`. */
  readonly lent: SharedArrayBuffer
  /** See progress.ts. */
  readonly progress: SharedArrayBuffer
  /** For a container whose policy does not come in time. */
  readonly defaultPolicy: ExecPolicy
  /** Whether the kernel has `FAN_MARK_EVICTABLE` (5.19). */
  readonly evictable: boolean
  /** How many programs may be verified at a time: each keeps up to three descriptors open. */
  readonly verifiedMaximum: number
  /** Whether `/proc/<thread>/stack` tells where in the kernel a thread waits. */
  readonly showsStacks: boolean
}

export interface OwnOverlay {
  readonly merged: string
  readonly upper: string
  readonly lower: string
}

export type ToVerdict =
  | { readonly type: 'policy'; readonly containerId: string; readonly policy: ExecPolicy }
  | { readonly type: 'forget'; readonly containerId: string }
  /** Mark a container that runs already. */
  | { readonly type: 'adopt'; readonly init: InitProcess }
  /** Treat this overlay of ours as a container's, under the id and policy given before. */
  | { readonly type: 'self-test'; readonly containerId: string; readonly overlay: OwnOverlay }
  | { readonly type: 'self-test-over'; readonly containerId: string }
  /** Look at the mounts of all containers again. */
  | { readonly type: 'remark' }
  | {
      readonly type: 'runtimes'
      readonly binaries: readonly string[]
      readonly stateRoots: readonly string[]
    }
  /** Layer directories lie below these; what does not is another engine's. */
  | { readonly type: 'layer-roots'; readonly layerRoots: readonly string[] }
  | { readonly type: 'stop' }

export type ProgramOrigin = 'image' | 'layer' | 'tmpfs' | 'volume' | 'deleted' | 'unknown'

/** A program that is not known, as it was about to run. */
export interface UnknownProgram {
  readonly containerId: string
  readonly verdict: 'denied' | 'allowed'
  /** latin1, absolute inside the container. */
  readonly path: string
  readonly from: ProgramOrigin
  /** "not in the image" */
  readonly why: string
  readonly pid: number
  /** Read while the process was held in `execve`; null where more came than could be read. */
  readonly processes: readonly ProcessInfo[] | null
  readonly byExec: boolean | null
  /** The event's descriptor, lent: to be closed and counted back by the main thread. Null for a file lent before. */
  readonly fd: number | null
  readonly device: number
  readonly inode: bigint
  readonly micros: number
}

/** A file system of a container, for who reads events by device. */
export interface MarkedMount {
  readonly device: number
  readonly mountId: number
  /** Whether the whole file system is the container's own, so that its device number names the container. */
  readonly own: boolean
  /** latin1 */
  readonly target: string
  readonly origin: ProgramOrigin
}

export interface MarkedContainer {
  readonly init: InitProcess
  readonly pidNamespace: string
  readonly upper: string
  readonly lowers: readonly string[]
  readonly mounts: readonly MarkedMount[]
  /** "gate" where the runtime was held for it, so that nothing had run yet. */
  readonly by: 'gate' | 'adopt'
  /** Marks that the kernel refused: "volume /data: EINVAL". */
  readonly refused: readonly string[]
}

export type FromVerdict =
  | { readonly type: 'ready'; readonly group: number }
  | { readonly type: 'marked'; readonly container: MarkedContainer }
  | { readonly type: 'not-marked'; readonly init: InitProcess; readonly why: string }
  | { readonly type: 'ended'; readonly init: InitProcess }
  | { readonly type: 'program'; readonly program: UnknownProgram }
  /** A guarantee that the kernel or the host does not let Paddock give: one sentence. */
  | { readonly type: 'lost'; readonly what: string }
  | { readonly type: 'overflow' }
