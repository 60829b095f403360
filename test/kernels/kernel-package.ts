import { execFileSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDir, privateApt, putInPlace } from '../engine/packages.ts'

/** Debian's suites whose kernels Paddock is tried on, oldest first. */
export const suites = ['bullseye', 'bookworm', 'trixie'] as const
export type KernelSuite = (typeof suites)[number]

/** The kernel that a suite has now, unpacked into the cache: `version` is "6.1.0-50-cloud-amd64". */
export interface Kernel {
  readonly suite: KernelSuite
  readonly version: string
  readonly image: string
  readonly modules: string
}

/** @throws what apt-get said, where no mirror answers and the cache has none */
export function fetchKernel(suite: KernelSuite): Kernel {
  const folder = join(cacheDir, `kernel-${suite}`)
  if (!existsSync(folder)) unpack(suite, folder)
  const [image] = globSync('boot/vmlinuz-*', { cwd: folder })
  if (image === undefined) throw new Error(`no kernel in ${folder}; remove it, and it is fetched again`)
  const version = image.replace('boot/vmlinuz-', '')
  // /usr/lib from trixie on.
  const modules = ['lib/modules', 'usr/lib/modules']
    .map((path) => join(folder, path, version))
    .find(existsSync)
  if (modules === undefined) throw new Error(`no modules of ${version} in ${folder}`)
  return { suite, version, image: join(folder, image), modules }
}

function unpack(suite: KernelSuite, folder: string): void {
  mkdirSync(cacheDir, { recursive: true })
  const work = mkdtempSync(join(cacheDir, 'fetch-'))
  try {
    const apt = privateApt(work, suite)
    apt('apt-get', 'update')
    const depends = apt('apt-cache', 'depends', 'linux-image-cloud-amd64')
    const name = /Depends: (linux-image-\S+)/.exec(depends)?.[1]
    if (name === undefined) throw new Error(`Debian ${suite} names no cloud kernel: ${depends}`)
    apt('apt-get', 'download', name)
    const [deb = ''] = readdirSync(work).filter((entry) => entry.endsWith('.deb'))
    execFileSync('dpkg-deb', ['--extract', join(work, deb), join(work, 'root')])
    putInPlace(join(work, 'root'), folder)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
