import type { Container } from '../engine/reader.ts'
import { type BytePath, bytePathFromText } from '../lib/byte-path.ts'
import { linkTarget } from './compare.ts'
import type { Found } from './look-up.ts'
import type { OpenLayer } from './open-layer.ts'

/*
 * Before a container starts, its engine makes the places where it will mount something: Docker in an init layer of its
 * own, which is baseline; Podman, and the OCI runtime for volumes, in the layer directory itself. Such an
 * entry is empty and hidden below the mount: it is no change of the container's.
 */

const ALWAYS = [
  '/dev',
  '/proc',
  '/sys',
  '/etc/hosts',
  '/etc/hostname',
  '/etc/resolv.conf',
  '/etc/mtab',
  '/run/.containerenv',
  '/run/secrets',
  // `--init`, by engine and version.
  '/sbin/docker-init',
  '/run/podman-init',
  '/dev/init',
]

const MTAB = '/etc/mtab'

/** Where the engine may have made something empty, and the directories above. */
export function engineMadePaths({ mounts }: Pick<Container, 'mounts'>): ReadonlySet<BytePath> {
  const paths = new Set<BytePath>()
  for (const target of [...ALWAYS, ...mounts.map((mount) => mount.target)]) {
    let path = bytePathFromText(target.replace(/\/+$/, ''))
    while (path.length > 1) {
      paths.add(path)
      path = path.slice(0, path.lastIndexOf('/')) as BytePath
    }
  }
  return paths
}

/** Whether something that the baseline does not have was made there by the engine: nothing is in it. */
export function isEngineMade(open: OpenLayer, path: BytePath, now: Found): boolean {
  const { type, sizeBytes } = now.entry
  if (type === 'file' ? sizeBytes !== 0 : type !== 'directory' && type !== 'symlink') return false
  if (open.layer.engineMade?.has(path) !== true) return false
  return type !== 'symlink' || (path === MTAB && linkTarget(open, now.place).toString() === '/proc/mounts')
}
