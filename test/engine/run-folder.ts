import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  globSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../../src/lib/errors.ts'
import { removeBridges } from './bridge.ts'
import { endProcesses } from './run-processes.ts'

const PREFIX = 'paddock-test-'
const OVERLAY_MAGIC = 0x794c7630
const TMPFS_MAGIC = 0x01021994

/** Makes a run's folder, on a disk filesystem (an overlay cannot lie on an overlay), owned by this process. */
export function makeRunFolder(): string {
  const base = process.env['PADDOCK_TEST_DIR'] ?? '/var/tmp'
  if ([OVERLAY_MAGIC, TMPFS_MAGIC].includes(statfsSync(base).type)) {
    throw new UserError(`${base} is no disk filesystem, and the data of the test engines must lie on one`, {
      hint: 'name a folder on ext4, xfs or btrfs in PADDOCK_TEST_DIR',
    })
  }
  const folder = mkdtempSync(join(base, PREFIX))
  writeFileSync(join(folder, 'owner'), processIdentity(process.pid) ?? '')
  // Remapped users pass through, as userns-remap needs it.
  chmodSync(folder, 0o711)
  return folder
}

/** Removes what runs that died left behind: their engines, containers, mounts, control groups and folders. */
export async function removeStaleRuns(): Promise<void> {
  const base = process.env['PADDOCK_TEST_DIR'] ?? '/var/tmp'
  for (const name of readdirSync(base).filter((entry) => entry.startsWith(PREFIX))) {
    const folder = join(base, name)
    if (isStale(folder)) await removeRun(folder)
  }
}

function isStale(folder: string): boolean {
  try {
    const owner = readFileSync(join(folder, 'owner'), 'utf8')
    return owner !== processIdentity(Number(owner.split(' ')[0]))
  } catch {
    // Between being made and being owned, or being removed by another at this moment.
    const stat = statSync(folder, { throwIfNoEntry: false })
    return stat !== undefined && Date.now() - stat.mtimeMs > 60_000
  }
}

/** "1234 567890": the process id, and the clock tick it started at, which tells it from a later one of that id. Null when it ended. */
function processIdentity(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state === 'Z' ? null : `${String(pid)} ${rest[18] ?? ''}`
  } catch {
    return null
  }
}

/** Ends all processes that run out of the folder, then takes away its mounts, its control groups and itself. */
export async function removeRun(folder: string): Promise<void> {
  const sockets = shimSockets(folder)
  const runtimeStates = podmanRuntimeStates(folder)
  await endProcesses(folder)
  unmountBelow(folder)
  removeBridges(folder)
  for (const path of [...sockets, ...runtimeStates]) rmSync(path, { recursive: true, force: true })
  removeControlGroups(cgroupParent(folder))
  // Not Node's rm: names in here are bytes, and trees may be deeper than a path is long.
  execFileSync('rm', ['-rf', '--one-file-system', folder])
}

/** The control group that all containers of the run's Docker engines live in. */
export function cgroupParent(folder: string): string {
  return `/${folder.slice(folder.lastIndexOf('/') + 1)}`
}

/**
 * containerd's shims listen on sockets in /run, which a killed one leaves there; the path stands beside each container.
 */
function shimSockets(folder: string): string[] {
  const pattern = '*/exec/containerd/daemon/io.containerd.runtime.v2.task/*/*/address'
  return globSync(pattern, { cwd: folder })
    .map((file) => readFileSync(join(folder, file), 'utf8').trim())
    .filter((address) => address.startsWith('unix:///run/containerd/s/'))
    .map((address) => address.slice('unix://'.length))
}

/** Podman's containers keep their runtime state in /run/runc, under their own ids. */
function podmanRuntimeStates(folder: string): string[] {
  return globSync('podman/data/overlay-containers/*/userdata', { cwd: folder })
    .map((path) => path.split('/')[3] ?? '')
    .filter((id) => /^[0-9a-f]{64}$/.test(id))
    .map((id) => `/run/runc/${id}`)
}

function unmountBelow(folder: string): void {
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) => point.startsWith(`${folder}/`))
  // Last mounted, first unmounted. Detached, for a container's process may still be ending.
  for (const point of points.reverse()) execFileSync('umount', ['-l', '--', point])
}

function removeControlGroups(parent: string): void {
  const roots = ['/sys/fs/cgroup', ...readdirSync('/sys/fs/cgroup').map((name) => `/sys/fs/cgroup/${name}`)]
  for (const root of roots) if (existsSync(root + parent)) removeControlGroup(root + parent)
}

function removeControlGroup(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) removeControlGroup(join(folder, entry.name))
  rmdirSync(folder)
}
