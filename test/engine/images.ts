import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { runDocker } from './docker-client.ts'
import { debianTar } from './debian-root.ts'
import type { RunningEngine } from './engines.ts'
import { cacheDir, putInPlace, suiteDir } from './packages.ts'

/** Two megabytes: busybox with all its applets, root, nobody and a user "app" of uid 1000. In every test engine. */
export const fixtureImage = 'paddock-test/busybox:latest'

/** Loads the fixture image into an engine. No registry is asked: `docker import` of a tar built here. */
export async function loadFixtureImage(engine: RunningEngine): Promise<void> {
  await importImage(engine, busyboxTar(), fixtureImage, ['CMD ["sh"]'])
}

export interface DebianImage {
  /** "paddock-test/nginx:1" */
  readonly tag: string
  readonly packages: readonly string[]
  /** Dockerfile lines: 'CMD ["nginx", "-g", "daemon off;"]', 'USER 33'. */
  readonly changes?: readonly string[]
}

/** Loads an image of Debian 12 with packages into an engine, building it first when the cache lacks it. */
export async function loadDebianImage(engine: RunningEngine, { tag, packages, changes = [] }: DebianImage) {
  await importImage(engine, await debianTar(packages), tag, changes)
}

/** Makes an image of one layer from a tar of a root filesystem. */
export async function importImage(
  engine: Pick<RunningEngine, 'address'>,
  tar: string,
  tag: string,
  changes: readonly string[] = [],
): Promise<void> {
  const flags = changes.flatMap((change) => ['--change', change])
  await runDocker(engine.address, ['import', ...flags, '-', tag], { input: createReadStream(tar) })
}

export function busyboxTar(): string {
  const tar = join(cacheDir, 'busybox-1.tar')
  if (existsSync(tar)) return tar
  const work = mkdtempSync(join(cacheDir, 'busybox-'))
  try {
    makeBusyboxRoot(join(work, 'root'))
    const owner = ['--owner=0', '--group=0', '--numeric-owner', '--sort=name', '--mtime=@1700000000']
    execFileSync('tar', [...owner, '-cf', join(work, 'tar'), '-C', join(work, 'root'), '.'])
    putInPlace(join(work, 'tar'), tar)
    return tar
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function makeBusyboxRoot(root: string): void {
  for (const folder of [
    'bin',
    'dev',
    'etc',
    'home/app',
    'proc',
    'root',
    'sys',
    'usr/bin',
    'usr/sbin',
    'var/log',
    'var/lib',
  ])
    mkdirSync(join(root, folder), { recursive: true })
  for (const folder of ['tmp', 'var/tmp']) {
    mkdirSync(join(root, folder))
    chmodSync(join(root, folder), 0o1777)
  }
  const busybox = join(root, 'bin/busybox')
  copyFileSync(join(suiteDir('bookworm'), 'bin/busybox'), busybox)
  chmodSync(busybox, 0o755)
  for (const applet of execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n'))
    if (applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet))
  const files = {
    'etc/passwd':
      'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\napp:x:1000:1000::/home/app:/bin/sh\n',
    'etc/group': 'root:x:0:\nnogroup:x:65534:\napp:x:1000:\n',
    'etc/shadow': 'root:*:19700:0:99999:7:::\nnobody:*:19700:0:99999:7:::\napp:!:19700:0:99999:7:::\n',
    'etc/os-release': 'ID=paddock-test\nNAME="Paddock test image"\n',
  }
  for (const [name, content] of Object.entries(files)) writeFileSync(join(root, name), content)
  chmodSync(join(root, 'etc/shadow'), 0o640)
}
