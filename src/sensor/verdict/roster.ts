import { fstatSync } from 'node:fs'
import { EVENT, fanotifyMark, MARK } from '../../lib/libc/fanotify.ts'
import { close, O_PATH, openPath } from '../../lib/libc/files.ts'
import { errorText } from '../../lib/libc/library.ts'
import { isAlive, type Poll } from '../../lib/libc/poll.ts'
import { type Containers, createContainers } from './containers.ts'
import { closeView, type ContainerView, type Groups, markContainer, markOverlay } from './mark-container.ts'
import type { FromVerdict, InitProcess, MarkedContainer, OwnOverlay } from './messages.ts'
import { unknownContainers } from './runtime-state.ts'
import type { Verified } from './verified.ts'

/** Who is marked: containers come by the gate or by the main thread's word, and go when their init ends. */
export interface Roster {
  readonly containers: Containers
  setLayerRoots(layerRoots: readonly string[]): void
  setRuntimes(binaries: readonly string[], stateRoots: readonly string[]): void
  /** Whether this file is a runtime's binary, at whose start the gate looks for new containers. */
  isRuntime(device: number, inode: bigint): boolean
  /** Marks what the runtimes have made and is not marked yet. Called while a runtime is held in its `execve`. */
  gate(): void
  adopt(init: InitProcess, by: MarkedContainer['by']): void
  /** An overlay of our own, for the self-test. */
  adoptOverlay(containerId: string, overlay: OwnOverlay): void
  forget(containerId: string): void
  /** Whether this descriptor is a container's pidfd, which ended. */
  ended(pidfd: number): boolean
  /** Looks at the mounts of all containers again, one at each `proceed`. */
  remarkAll(): void
  /** How long the caller may sleep, in milliseconds; -1 for as long as it likes. */
  proceed(): number
}

const REJECTED_REMEMBERED = 1024

export function createRoster(
  proc: string,
  groups: Groups,
  poll: Poll,
  verified: Verified,
  post: (message: FromVerdict) => void,
): Roster {
  const containers = createContainers(proc)
  const runtimes = new Set<string>()
  const stateRoots = new Set<string>()
  /** What was looked at and is none of ours, with the process it was then. */
  const rejected = new Map<string, number>()
  const toRemark = new Set<ContainerView>()
  let layerRoots: readonly string[] = []

  function adopt(init: InitProcess, by: MarkedContainer['by']): void {
    const before = containers.get(init.containerId)
    if (before !== undefined) {
      if (before.init.pid === init.pid && isAlive(before.pidfd)) return
      remove(before)
    }
    const view = markContainer(proc, init, groups, layerRoots)
    if (typeof view === 'string') {
      if (rejected.size >= REJECTED_REMEMBERED) rejected.clear()
      rejected.set(init.containerId, init.pid)
      post({ type: 'not-marked', init, why: view })
      return
    }
    containers.add(view)
    poll.add(view.pidfd)
    post({ type: 'marked', container: describe(view, by) })
  }

  function remark(view: ContainerView): void {
    const again = markContainer(proc, view.init, groups, layerRoots)
    // Its end is on its way by the pidfd.
    if (typeof again === 'string') return
    poll.remove(view.pidfd)
    containers.remove(view.init.containerId)
    closeView(view)
    containers.add(again)
    poll.add(again.pidfd)
    if (mountsText(again) !== mountsText(view)) post({ type: 'marked', container: describe(again, 'adopt') })
  }

  function remove(view: ContainerView): void {
    verified.forget(view.init.containerId)
    poll.remove(view.pidfd)
    containers.remove(view.init.containerId)
    closeView(view)
    post({ type: 'ended', init: view.init })
  }

  return {
    containers,
    setLayerRoots(roots) {
      layerRoots = roots
      rejected.clear()
    },
    setRuntimes(binaries, roots) {
      for (const root of roots) stateRoots.add(root)
      if (groups.permission < 0) return
      for (const binary of binaries) {
        const key = markRuntime(groups.permission, binary)
        if (key.startsWith('E'))
          post({ type: 'lost', what: `containers that ${binary} starts are marked late: ${key}` })
        else runtimes.add(key)
      }
    },
    isRuntime: (device, inode) => runtimes.has(`${device}:${inode}`),
    gate() {
      const isKnown = (containerId: string): boolean => {
        const view = containers.get(containerId)
        return view !== undefined && isAlive(view.pidfd)
      }
      for (const init of unknownContainers(stateRoots, isKnown))
        if (rejected.get(init.containerId) !== init.pid) adopt(init, 'gate')
    },
    adopt,
    adoptOverlay(containerId, overlay) {
      const view = markOverlay(containerId, overlay, groups)
      containers.add(view)
      poll.add(view.pidfd)
      post({ type: 'marked', container: describe(view, 'adopt') })
    },
    forget(containerId) {
      const view = containers.get(containerId)
      if (view !== undefined) remove(view)
    },
    ended(pidfd) {
      const view = containers.byPidfd(pidfd)
      if (view !== undefined) remove(view)
      return view !== undefined
    },
    remarkAll() {
      for (const view of containers.values()) toRemark.add(view)
    },
    proceed() {
      for (const view of toRemark) {
        toRemark.delete(view)
        if (containers.get(view.init.containerId) === view) remark(view)
        break
      }
      return toRemark.size > 0 ? 0 : -1
    },
  }
}

function describe(view: ContainerView, by: MarkedContainer['by']): MarkedContainer {
  const { init, pidNamespace, upperPath: upper, lowers, mounts, refused } = view
  return { init, pidNamespace, upper, lowers, mounts, by, refused }
}

function mountsText({ mounts, refused }: ContainerView): string {
  return JSON.stringify([mounts, refused])
}

/** The identity of the marked binary, or the kernel's error, which begins with an E. */
function markRuntime(group: number, binary: string): string {
  const fd = openPath(binary, O_PATH)
  if (fd < 0) return errorText(fd)
  try {
    const stat = fstatSync(fd, { bigint: true })
    const marked = fanotifyMark(group, MARK.ADD, EVENT.OPEN_EXEC_PERM, fd)
    return marked < 0 ? errorText(marked) : `${Number(stat.dev)}:${stat.ino}`
  } finally {
    close(fd)
  }
}
