import type { Change } from '../cow/change.ts'

/**
 * Which states of which paths were told, so that each is told once, by an event or by the sweep. A state is kind, type, rights,
 * owner and content: by its hash where that is known, else by the change time, which nothing in a container can set.
 */
export interface Told {
  /** Whether this very state was told before; it is remembered from now on. */
  isNews(containerId: string, change: Change): boolean
  /** The hashes of a path whose state did not change since it was told: it need not be read again. Null: it must be. */
  unchanged(containerId: string, change: Change): Hashes | null
  forget(containerId: string, path: string): void
  forgetContainer(containerId: string): void
}

export type Hashes = Pick<Change, 'sha256' | 'wasSha256'>

interface State {
  readonly words: string
  readonly ctimeNs: bigint | undefined
  readonly hashes: Hashes
}

const MAXIMUM = 200_000

export function createTold(maximum = MAXIMUM): Told {
  const containers = new Map<string, Map<string, State>>()
  let count = 0

  function stateOf({ kind, type, now, fileCapabilities, sha256, wasSha256 }: Change): State {
    // A directory's size follows from what is in it.
    const size = type === 'file' ? now?.sizeBytes : 0
    const words =
      now === null ? kind : [kind, type, now.mode, now.uid, now.gid, size, fileCapabilities].join(':')
    const hashes = {
      ...(sha256 === undefined ? {} : { sha256 }),
      ...(wasSha256 === undefined ? {} : { wasSha256 }),
    }
    return { words, ctimeNs: type === 'file' ? now?.ctimeNs : undefined, hashes }
  }

  function put(containerId: string, path: string, state: State): void {
    if (containers.get(containerId)?.has(path) !== true && ++count > maximum) {
      containers.clear()
      count = 1
    }
    const states = containers.get(containerId) ?? new Map<string, State>()
    containers.set(containerId, states.set(path, state))
  }

  function forgetContainer(containerId: string): void {
    count -= containers.get(containerId)?.size ?? 0
    containers.delete(containerId)
  }

  return {
    isNews(containerId, change) {
      const before = containers.get(containerId)?.get(change.path)
      const state = stateOf(change)
      if (before !== undefined && isSame(before, state)) {
        // With a hash it tells more than before.
        if (state.hashes.sha256 !== undefined) put(containerId, change.path, state)
        return false
      }
      put(containerId, change.path, state)
      return true
    },
    unchanged(containerId, change) {
      const before = containers.get(containerId)?.get(change.path)
      if (before === undefined) return null
      const { words, ctimeNs } = stateOf(change)
      return before.words === words && before.ctimeNs === ctimeNs ? before.hashes : null
    },
    forget(containerId, path) {
      if (containers.get(containerId)?.delete(path) === true) count--
    },
    forgetContainer,
  }
}

function isSame(before: State, now: State): boolean {
  if (before.words !== now.words) return false
  const [one, other] = [before.hashes.sha256, now.hashes.sha256]
  if (one !== undefined && other !== undefined) return one === other
  return before.ctimeNs === now.ctimeNs
}
