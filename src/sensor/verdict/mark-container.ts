import { closeSync, constants, fstatSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import { EVENT, fanotifyMark, MARK } from '../../lib/libc/fanotify.ts'
import { close, O_PATH, openPath } from '../../lib/libc/files.ts'
import { errorText } from '../../lib/libc/library.ts'
import { isAlive, pidfdOpen } from '../../lib/libc/poll.ts'
import { openBeneath } from '../../lib/libc/resolve.ts'
import { type MountEntry, overlayLayers } from '../../lib/mount-table.ts'
import { deviceText, readMounts } from '../mounts.ts'
import { pidNamespace } from '../process-info.ts'
import type { ImageView } from './identity.ts'
import type { InitProcess, MarkedMount, OwnOverlay, ProgramOrigin } from './messages.ts'

/** One container's file systems as its init sees them, held open. */
export interface ContainerView extends ImageView {
  readonly init: InitProcess
  readonly pidNamespace: string
  readonly pidfd: number
  readonly upperPath: string
  /** What the kernel's paths have before the container's own: nothing but for an overlay in our own mount namespace. */
  readonly prefix: string
  readonly mounts: readonly MarkedMount[]
  readonly refused: readonly string[]
}

export interface Groups {
  /** Asks permission for every execution; negative for none. */
  readonly permission: number
  /** Tells every close-after-write; -1 for none. */
  readonly changes: number
}

/** What can hold no file that runs. */
const WITHOUT_PROGRAMS = new Set(
  'proc sysfs cgroup cgroup2 devpts mqueue securityfs debugfs tracefs bpf pstore configfs binfmt_misc nsfs autofs'.split(
    ' ',
  ),
)

/** What engines mount into a container for `--init`, read-only, from their own installation. */
const ENGINE_PROGRAMS = new Set(['/sbin/docker-init', '/run/podman-init', '/dev/init'])

/**
 * Marks all file systems of a container: the overlay and its own tmpfs whole, so that no mount namespace escapes
 * the mark, and what it shares with the host by mount, so that the host's own use stays unasked.
 * @param layerRoots where the followed engines keep layer directories; a container of another engine is left alone
 * @returns the container, or why it was not marked
 */
export function markContainer(
  proc: string,
  init: InitProcess,
  groups: Groups,
  layerRoots: readonly string[],
): ContainerView | string {
  const pidfd = pidfdOpen(init.pid)
  if (pidfd < 0) return `its init is gone (${errorText(pidfd)})`
  const root = openPath(`${proc}/${init.pid}/root`, O_PATH | constants.O_DIRECTORY)
  if (root < 0) {
    close(pidfd)
    return `its root cannot be opened (${errorText(root)})`
  }
  const view = look(proc, init, { pidfd, root }, groups, layerRoots)
  if (typeof view === 'string') for (const fd of [pidfd, root]) close(fd)
  return view
}

/** The same for an overlay that the sensor mounted itself; its init is the sensor. */
export function markOverlay(
  containerId: string,
  { merged, upper, lower }: OwnOverlay,
  groups: Groups,
): ContainerView {
  const [root, upperFd] = [merged, upper].map((path) => openPath(path, O_PATH | constants.O_DIRECTORY))
  if (root === undefined || upperFd === undefined || root < 0 || upperFd < 0)
    throw new Error(`cannot open the self-test's overlay ${merged}`)
  const problem = markBoth(groups, MARK.FILESYSTEM, root)
  const { dev: device } = fstatSync(root)
  return {
    init: { containerId, pid: process.pid },
    pidNamespace: '',
    pidfd: pidfdOpen(process.pid),
    root,
    upper: upperFd,
    upperPath: upper,
    prefix: merged,
    lowers: [lower],
    mounts: [{ device, mountId: -1, own: true, target: '/', origin: 'layer' }],
    refused: problem === null ? [] : [problem],
  }
}

export function closeView(view: ContainerView): void {
  for (const fd of [view.pidfd, view.root, view.upper]) closeSync(fd)
}

function look(
  proc: string,
  init: InitProcess,
  { pidfd, root }: { pidfd: number; root: number },
  groups: Groups,
  layerRoots: readonly string[],
): ContainerView | string {
  let mounts: readonly MountEntry[]
  try {
    mounts = readMounts(proc, init.pid)
  } catch {
    return 'its init is gone'
  }
  // The process id was not used again in between: what was read is of the process that the pidfd names.
  if (!isAlive(pidfd)) return 'its init is gone'
  const rootMount = mounts.findLast((mount) => mount.target === '/')
  if (rootMount?.fsType !== 'overlay') return `its root is no overlay but ${rootMount?.fsType ?? 'unknown'}`
  if (rootMount.device !== deviceText(fstatSync(root).dev))
    return 'its init has another root than its container'
  const layers = overlayLayers(rootMount.superOptions)
  if (layers === null) return 'its overlay names no layer directory'
  const upper = resolveLayer(layers.upper, layers.upper)
  if (!layerRoots.some((folder) => upper.startsWith(`${folder}/`))) return 'it belongs to another engine'
  const upperFd = openPath(upper, O_PATH | constants.O_DIRECTORY)
  if (upperFd < 0) return `its layer directory cannot be opened (${errorText(upperFd)})`
  const refused: string[] = []
  return {
    init,
    pidNamespace: pidNamespace(proc, init.pid),
    pidfd,
    root,
    upper: upperFd,
    upperPath: upper,
    prefix: '',
    lowers: layers.lowers.map((lower) => resolveLayer(lower, upper)),
    mounts: markMounts(root, rootMount, mounts, hostDevices(proc), groups, refused),
    refused,
  }
}

/** Graph drivers mount with names relative to their own folder: "l/ABC" for overlay2, "overlay/l/ABC" for Podman. */
function resolveLayer(path: string, upper: string): string {
  if (isAbsolute(path)) return path
  const driver = dirname(dirname(upper))
  return path.startsWith('l/') ? join(driver, path) : join(dirname(driver), path)
}

function hostDevices(proc: string): ReadonlySet<string> {
  return new Set(readMounts(proc, 'self').map((mount) => mount.device))
}

function markMounts(
  root: number,
  rootMount: MountEntry,
  mounts: readonly MountEntry[],
  onHost: ReadonlySet<string>,
  groups: Groups,
  refused: string[],
): MarkedMount[] {
  const marked: MarkedMount[] = []
  for (const mount of mounts) {
    if (WITHOUT_PROGRAMS.has(mount.fsType)) continue
    if (mount !== rootMount && mount.device === rootMount.device) continue
    const fd = mount === rootMount ? root : openBeneath(root, mount.target.slice(1), O_PATH, true)
    // Mounted over, or below a folder that was: nothing reaches it.
    if (fd < 0) continue
    const { scope, origin } = scopeOf(mount, mount === rootMount, onHost)
    const problem = markBoth(groups, scope, fd)
    if (problem !== null) refused.push(`${mount.fsType} ${mount.target}: ${problem}`)
    marked.push({
      device: fstatSync(fd).dev,
      mountId: mount.id,
      own: scope === MARK.FILESYSTEM,
      target: mount.target,
      origin,
    })
    if (fd !== root) close(fd)
  }
  return marked
}

function scopeOf(
  mount: MountEntry,
  isRoot: boolean,
  onHost: ReadonlySet<string>,
): { scope: number; origin: ProgramOrigin } {
  if (isRoot) return { scope: MARK.FILESYSTEM, origin: 'layer' }
  const isTmpfs = mount.fsType === 'tmpfs' || mount.fsType === 'ramfs'
  if (isTmpfs && !onHost.has(mount.device)) return { scope: MARK.FILESYSTEM, origin: 'tmpfs' }
  if (mount.readOnly && ENGINE_PROGRAMS.has(mount.target)) return { scope: MARK.MOUNT, origin: 'image' }
  return { scope: MARK.MOUNT, origin: isTmpfs ? 'tmpfs' : 'volume' }
}

/** Null, or what the kernel said. */
function markBoth(groups: Groups, scope: number, fd: number): string | null {
  const mark = (group: number, mask: number): number =>
    group < 0 ? 0 : fanotifyMark(group, MARK.ADD | scope, mask, fd)
  const permission = mark(groups.permission, EVENT.OPEN_EXEC_PERM)
  const changes = mark(groups.changes, EVENT.CLOSE_WRITE)
  return permission < 0 ? errorText(permission) : changes < 0 ? errorText(changes) : null
}
