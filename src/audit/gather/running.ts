import { readdirSync, readlinkSync } from 'node:fs'
import { UserError, hasCode } from '../../lib/errors.ts'
import type { RunningFact } from '../facts.ts'
import type { HostTree } from './host-tree.ts'
import { parseMountinfo } from './mount-table.ts'

const NAMESPACES = ['mnt', 'pid', 'net', 'ipc', 'uts', 'user', 'cgroup'] as const
const MAX_PROCESSES = 200

/** Command names of the host's processes by the inode of their pid namespace, from one walk of `/proc`. */
export function processesByNamespace(tree: HostTree): Map<string, string[]> {
  const byNamespace = new Map<string, string[]>()
  if (!tree.live) return byNamespace
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const namespace = namespaceOf(pid, 'pid')
    if (namespace === null) continue
    const names = byNamespace.get(namespace) ?? []
    if (names.length < MAX_PROCESSES) names.push((tree.text(`/proc/${pid}/comm`) ?? '').trim())
    byNamespace.set(namespace, names)
  }
  return byNamespace
}

/** What the kernel says of a container's init process; null when it is gone or may not be read. */
export function gatherRunning(
  tree: HostTree,
  pid: number,
  processes: ReadonlyMap<string, readonly string[]>,
): RunningFact | null {
  if (!tree.live || pid <= 0) return null
  try {
    const status = tree.text(`/proc/${pid}/status`)
    const uidMap = tree.text(`/proc/${pid}/uid_map`)
    const mountinfo = tree.text(`/proc/${pid}/mountinfo`)
    if (status === null || uidMap === null || mountinfo === null) return null
    const fields = parseStatus(status)
    const map = parseIdMap(uidMap)
    const namespaces = Object.fromEntries(
      NAMESPACES.map((name) => [name, namespaceOf(String(pid), name) ?? '']),
    )
    const shared = namespaces['pid'] === namespaceOf('self', 'pid')
    return {
      ...fields,
      rootUid: map.find(({ inside, count }) => inside === 0 && count > 0)?.outside ?? -1,
      remapped: !map.some(
        ({ inside, outside, count }) => inside === 0 && outside === 0 && count > 4_000_000_000,
      ),
      confinement: confinementOf(tree, pid),
      namespaces,
      mounts: parseMountinfo(mountinfo),
      processes: shared ? [] : (processes.get(namespaces['pid'] ?? '') ?? []),
    }
  } catch (error) {
    if (error instanceof UserError) return null
    throw error
  }
}

/** The lines of `/proc/<pid>/status` that tell what a process may do. */
export function parseStatus(
  text: string,
): Pick<RunningFact, 'uid' | 'gid' | 'groups' | 'effective' | 'bounding' | 'noNewPrivileges' | 'seccomp'> {
  const field = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(text)?.[1] ?? ''
  const bits = (name: string): bigint => BigInt(`0x${/^[0-9a-f]+$/.exec(field(name))?.[0] ?? '0'}`)
  return {
    uid: Number(field('Uid').split('\t')[1] ?? 0),
    gid: Number(field('Gid').split('\t')[1] ?? 0),
    groups: field('Groups').split(' ').filter(Boolean).map(Number),
    effective: bits('CapEff'),
    bounding: bits('CapBnd'),
    noNewPrivileges: field('NoNewPrivs') === '1',
    seccomp: Number(field('Seccomp')),
  }
}

/** Lines of `/proc/<pid>/uid_map`. */
export function parseIdMap(text: string): { inside: number; outside: number; count: number }[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [inside = 0, outside = 0, count = 0] = line.trim().split(/\s+/).map(Number)
      return { inside, outside, count }
    })
}

function confinementOf(tree: HostTree, pid: number): string {
  try {
    return (tree.text(`/proc/${pid}/attr/current`) ?? '').replace(/[\0\n]+$/, '')
  } catch (error) {
    // EINVAL where no security module keeps labels.
    if (error instanceof UserError) return ''
    throw error
  }
}

function namespaceOf(pid: string, name: string): string | null {
  try {
    return /\[(\d+)\]/.exec(readlinkSync(`/proc/${pid}/ns/${name}`))?.[1] ?? null
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES', 'EPERM', 'ESRCH')) return null
    throw error
  }
}
