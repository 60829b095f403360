import { deviceText } from '../mounts.ts'
import { deviceOfMount, mountIdOf } from './judge-exec.ts'
import type { ContainerView } from './mark-container.ts'
import type { MarkedMount } from './messages.ts'

export interface Place {
  readonly view: ContainerView
  readonly mount: MarkedMount
}

/** Which container an event is of: by device where the file system is the container's own, else by mount. */
export interface Containers {
  get(containerId: string): ContainerView | undefined
  add(view: ContainerView): void
  remove(containerId: string): void
  byPidfd(pidfd: number): ContainerView | undefined
  placeOf(fd: number, device: number, thread: number): Place | null
  values(): IterableIterator<ContainerView>
  readonly size: number
}

export function createContainers(proc: string): Containers {
  const views = new Map<string, ContainerView>()
  const pidfds = new Map<number, ContainerView>()
  const devices = new Map<number, Place>()
  const mounts = new Map<number, Place>()

  return {
    get: (containerId) => views.get(containerId),
    add(view) {
      views.set(view.init.containerId, view)
      pidfds.set(view.pidfd, view)
      for (const mount of view.mounts) {
        mounts.set(mount.mountId, { view, mount })
        if (mount.own) devices.set(mount.device, { view, mount })
      }
    },
    remove(containerId) {
      const view = views.get(containerId)
      if (view === undefined) return
      views.delete(containerId)
      pidfds.delete(view.pidfd)
      for (const map of [devices, mounts])
        for (const [key, place] of map) if (place.view === view) map.delete(key)
    },
    byPidfd: (pidfd) => pidfds.get(pidfd),
    placeOf(fd, device, thread) {
      const own = devices.get(device)
      if (own !== undefined) return own
      const mountId = mountIdOf(fd)
      const place = mounts.get(mountId)
      if (place !== undefined) return place
      // Layers on several file systems have device numbers of their own, and a mount namespace its own mounts.
      const text = deviceOfMount(proc, thread, mountId)
      for (const candidate of devices.values())
        if (deviceText(candidate.mount.device) === text) return candidate
      return null
    },
    values: () => views.values(),
    get size() {
      return views.size
    },
  }
}
