import { parseMounts } from '../../lib/mount-table.ts'
import type { MountedFact, Place } from '../facts.ts'

interface MountLine extends MountedFact {
  /** Where the mount begins in its own filesystem. */
  readonly place: Place
}

/** `/proc/<pid>/mountinfo`, in the order of mounting; see proc_pid_mountinfo(5). */
export function parseMountinfo(text: string): MountLine[] {
  return parseMounts(text).map(({ target, device, root, fsType, readOnly }) => ({
    target,
    place: { device, path: root.replace(/\/\/deleted$/, '') },
    filesystem: fsType,
    writable: !readOnly,
  }))
}

/** Where a path without links lies in its own filesystem; null when no mount holds it. */
export function placeOf(path: string, mounts: readonly MountLine[]): Place | null {
  // The longest mount point wins, and of equal ones the last mounted, which hides the others.
  let best: MountLine | null = null
  for (const mount of mounts)
    if (holds(mount.target, path) && (best === null || mount.target.length >= best.target.length))
      best = mount
  if (best === null) return null
  const rest = best.target === '/' ? path : path.slice(best.target.length)
  return { device: best.place.device, path: joinPlace(best.place.path, rest) }
}

/** Whether a folder is, or lies above, a path. Both absolute and without links. */
export function holds(folder: string, path: string): boolean {
  return folder === '/' || folder === path || path.startsWith(`${folder}/`)
}

/** The same for places: never across filesystems. */
export function holdsPlace(folder: Place, place: Place): boolean {
  return folder.device === place.device && holds(folder.path, place.path)
}

function joinPlace(root: string, rest: string): string {
  const tail = rest.replace(/^\/+/, '')
  if (tail === '') return root
  return root === '/' ? `/${tail}` : `${root}/${tail}`
}
