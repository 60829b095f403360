import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cacheDir, debianMirror, putInPlace } from './packages.ts'

const run = promisify(execFile)

/** Raised when the recipe below changes, so that no cache holds the old one's. */
const RECIPE = 2

/**
 * A root filesystem of Debian 12 with these packages, as a tar in the cache: 45 s for the first, then the time of
 * installing the packages, then nothing.
 */
export async function debianTar(packages: readonly string[]): Promise<string> {
  const tar = tarPath(packages)
  if (existsSync(tar)) return tar
  console.error(`paddock: building a Debian image with ${packages.join(', ') || 'no further packages'} …`)
  mkdirSync(cacheDir, { recursive: true })
  const work = mkdtempSync(join(cacheDir, 'debian-'))
  try {
    const root = join(work, 'root')
    if (packages.length === 0) await bootstrap(root)
    else {
      const base = await debianTar([])
      mkdirSync(root)
      await run('tar', ['-xpf', base, '--xattrs', '--numeric-owner', '-C', root])
      await install(root, packages)
    }
    await run('tar', ['-cpf', join(work, 'tar'), '--xattrs', '--numeric-owner', '-C', root, '.'])
    putInPlace(join(work, 'tar'), tar)
    return tar
  } finally {
    await run('rm', ['-rf', '--one-file-system', work])
  }
}

function tarPath(packages: readonly string[]): string {
  const recipe = JSON.stringify([RECIPE, [...packages].sort()])
  return join(cacheDir, `debian-${createHash('sha256').update(recipe).digest('hex').slice(0, 16)}.tar`)
}

/** What debootstrap and packages mount goes with the mount namespace, whatever becomes of them. */
async function inOwnMounts(command: string, ...args: string[]): Promise<void> {
  await run('unshare', ['--mount', '--propagation=private', '--', command, ...args], {
    env: {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      LC_ALL: 'C',
      DEBIAN_FRONTEND: 'noninteractive',
      ...proxies(),
    },
    maxBuffer: 64 * 1024 * 1024,
  })
}

function proxies(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => /^(https?|no)_proxy$/i.test(name)))
}

async function bootstrap(root: string): Promise<void> {
  await inOwnMounts('debootstrap', '--variant=minbase', 'bookworm', root, debianMirror())
  const excluded = ['/usr/share/doc/*', '/usr/share/man/*', '/usr/share/locale/*', '/usr/share/info/*']
  writeFileSync(
    join(root, 'etc/dpkg/dpkg.cfg.d/paddock-test'),
    excluded.map((path) => `path-exclude=${path}\n`).join(''),
  )
  writeFileSync(join(root, 'etc/apt/apt.conf.d/paddock-test'), 'APT::Install-Recommends "false";\n')
  await clean(root)
}

async function install(root: string, packages: readonly string[]): Promise<void> {
  const policy = join(root, 'usr/sbin/policy-rc.d')
  // No service starts from here.
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  for (const name of ['resolv.conf', 'hosts']) copyFileSync(`/etc/${name}`, join(root, 'etc', name))
  const script =
    'mount -t proc proc "$0/proc" && chroot "$0" apt-get -q update && chroot "$0" apt-get -q -y install "$@"'
  await inOwnMounts('sh', '-c', script, root, ...packages)
  rmSync(policy)
  await clean(root)
}

/** What no container needs, and what would name this machine. */
async function clean(root: string): Promise<void> {
  await run('sh', [
    '-c',
    'cd "$0" && rm -rf var/lib/apt/lists/* var/cache/apt/* var/cache/debconf/*-old usr/share/doc/* usr/share/man/* ' +
      'usr/share/locale/* var/log/* etc/resolv.conf etc/hosts etc/machine-id',
    root,
  ])
}
