import type { EngineSocket, SocketKind } from '../facts.ts'
import type { EngineProcess } from './engine-process.ts'
import type { HostTree } from './host-tree.ts'
import { parseMountinfo, placeOf } from './mount-table.ts'

/** Where engines listen unless told otherwise; `*` is one name. */
const USUAL: readonly (readonly [kind: SocketKind, path: string])[] = [
  ['docker', '/run/docker.sock'],
  ['docker', '/var/run/docker.sock'],
  ['docker', '/run/user/*/docker.sock'],
  ['podman', '/run/podman/podman.sock'],
  ['podman', '/run/user/*/podman/podman.sock'],
  ['containerd', '/run/containerd/containerd.sock'],
  ['containerd', '/run/docker/containerd/containerd.sock'],
  ['containerd', '/run/k3s/containerd/containerd.sock'],
  ['buildkit', '/run/buildkit/buildkitd.sock'],
  ['crio', '/run/crio/crio.sock'],
]

/**
 * Every engine socket of the host: the usual ones, those that running engines listen on, and the named one.
 * @param named host paths that are known to be sockets of the audited engine
 */
export function gatherSockets(
  tree: HostTree,
  processes: readonly EngineProcess[],
  named: readonly { readonly kind: SocketKind; readonly path: string }[],
): EngineSocket[] {
  const mounts = parseMountinfo(tree.live ? (tree.text(`/proc/${process.pid}/mountinfo`) ?? '') : '')
  const candidates = [
    ...processes.flatMap(({ kind, sockets }) => sockets.map((path) => ({ kind, path }))),
    ...named,
    ...USUAL.flatMap(([kind, path]) => expand(tree, path).map((each) => ({ kind, path: each }))),
  ]
  const found = new Map<string, EngineSocket>()
  for (const { kind, path } of candidates) {
    const realPath = tree.resolve(path)
    const entry = tree.stat(path)
    const fact = tree.fact(path)
    if (realPath === null || entry === null || fact?.type !== 'socket' || found.has(realPath)) continue
    const owner = processes.find(
      (each) => each.kind === kind && each.sockets.some((one) => tree.resolve(one) === realPath),
    )
    found.set(realPath, {
      ...fact,
      kind,
      realPath,
      device: entry.dev,
      inode: entry.ino,
      folderIdentities: fact.parents.flatMap(({ path: folder }) => {
        const stat = tree.stat(folder)
        return stat === null ? [] : [{ path: folder, device: stat.dev, inode: stat.ino }]
      }),
      place: placeOf(realPath, mounts),
      listening: owner !== undefined,
      engineUid: owner?.uid ?? uidOfRuntimeFolder(realPath),
    })
  }
  return [...found.values()]
}

function uidOfRuntimeFolder(path: string): number {
  return Number(/^\/run\/user\/(\d+)\//.exec(path)?.[1] ?? 0)
}

function expand(tree: HostTree, pattern: string): string[] {
  const [before, after] = pattern.split('*')
  if (before === undefined || after === undefined) return [pattern]
  return tree.names(before).map((name) => before + name + after)
}
