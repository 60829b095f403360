import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UserError } from '../../src/lib/errors.ts'

/** Git-ignored, kept between runs; several checkouts may share one through PADDOCK_TEST_CACHE. */
export const cacheDir: string =
  process.env['PADDOCK_TEST_CACHE'] ??
  join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), '.cache')

/**
 * The engines under test, unpacked from Debian's packages into the cache and never installed: the machine keeps
 * the engine it has, no daemon is started by a package, and the versions are the same on every machine.
 */
const suites = {
  bookworm: [
    'docker.io', // 20.10, with containerd and runc
    'containerd',
    'runc',
    'tini',
    'podman', // 4.3, with conmon and what it reads
    'conmon',
    'golang-github-containers-common',
    'golang-github-containers-image',
    'libsubid4',
    'libgpgme11',
    'libassuan0',
    'libdevmapper1.02.1',
    'libglib2.0-0',
    'busybox-static', // what the test images are made of
  ],
  trixie: ['docker.io', 'containerd', 'docker-cli', 'docker-compose'], // 26.1, and the client with compose 2.26
} as const

export type Suite = keyof typeof suites

/** Where the programs of a suite lie: "<cache>/bookworm-<hash of what is in it>". */
export function suiteDir(suite: Suite): string {
  return packagesDir(suite, suites[suite])
}

function packagesDir(name: string, packages: readonly string[]): string {
  const hash = createHash('sha256').update(packages.join())
  return join(cacheDir, `${name}-${hash.digest('hex').slice(0, 8)}`)
}

/** Folders of the shared libraries that came with the programs, for LD_LIBRARY_PATH. */
export function libraryPath(): string {
  const root = suiteDir('bookworm')
  return globSync('{usr/lib,lib}/*-linux-gnu*', { cwd: root })
    .map((folder) => join(root, folder))
    .join(':')
}

/** Fetches and unpacks what is not in the cache yet. Safe to run at the same time as another. */
export function fetchEngines(): void {
  for (const suite of ['bookworm', 'trixie'] as const) {
    fetchPackages(suite, suite, suites[suite])
  }
}

/**
 * Unpacks packages of a Debian suite into the cache, unless they are there. Their dependencies are not followed.
 * @returns the folder, "<cache>/<name>-<hash of what is in it>"
 */
export function fetchPackages(name: string, suite: Suite, packages: readonly string[]): string {
  const folder = packagesDir(name, packages)
  if (existsSync(folder)) return folder
  console.error(`paddock: fetching ${name} (Debian ${suite}) into ${cacheDir} …`)
  mkdirSync(cacheDir, { recursive: true })
  const work = mkdtempSync(join(cacheDir, 'fetch-'))
  try {
    const apt = privateApt(work, suite)
    apt('apt-get', 'update')
    apt('apt-get', 'download', ...packages)
    for (const file of readdirSync(work).filter((entry) => entry.endsWith('.deb')))
      execFileSync('dpkg-deb', ['--extract', join(work, file), join(work, 'root')])
    putInPlace(join(work, 'root'), folder)
    return folder
  } catch (error) {
    throw new UserError(
      `cannot fetch ${name} (Debian ${suite}): ${error instanceof Error ? error.message : String(error)}`,
      {
        hint: 'they need apt-get and dpkg-deb (Debian or Ubuntu), a Debian mirror and 400 MB of disk',
        cause: error,
      },
    )
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** Renames; whoever comes second keeps what the first one put there. */
export function putInPlace(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if (!existsSync(to)) throw error
  }
}

/** An apt with lists, cache and idea of what is installed of its own: the machine's are neither read nor written. */
export function privateApt(
  work: string,
  suite: string,
): (program: 'apt-get' | 'apt-cache', ...args: string[]) => string {
  const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'
  mkdirSync(join(work, 'lists/partial'), { recursive: true })
  mkdirSync(join(work, 'archives/partial'), { recursive: true })
  writeFileSync(join(work, 'sources.list'), `deb [signed-by=${keyring}] ${debianMirror()} ${suite} main\n`)
  const options = {
    'Dir::Etc::sourcelist': join(work, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State::lists': join(work, 'lists'),
    'Dir::State::status': '/dev/null',
    'Dir::Cache': work,
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '3',
  }
  const flags = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  return (program, ...args) =>
    execFileSync(program, [...flags, '-q', ...args], {
      cwd: work,
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
    })
}

/** The mirror that the machine itself uses for Debian, else Debian's own. */
export function debianMirror(): string {
  const format = ['--format', '$(ORIGIN) $(COMPONENT) $(REPO_URI)', 'Created-By: Packages']
  const lines = execFileSync('apt-get', ['indextargets', ...format], { encoding: 'utf8' }).split('\n')
  const own = lines.find((line) => /^Debian main \S+\/debian\/?$/.test(line))
  return own?.split(' ')[2] ?? 'http://deb.debian.org/debian'
}
