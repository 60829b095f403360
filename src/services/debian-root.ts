import { execFile } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { hasCode, UserError } from '../lib/errors.ts'

const run = promisify(execFile)

export const SUITE = 'bookworm'

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

/** What only the scripts that install packages need; none is run here. */
const INSTALLERS = new Set([
  'adduser',
  'base-passwd',
  'debconf',
  'dpkg',
  'init-system-helpers',
  'install-info',
  'iproute2',
  'libdebconfclient0',
  'lsb-base',
  'libdb5.3',
  'libgdbm-compat4',
  'libgdbm6',
  'libperl5.36',
  'passwd',
  'perl',
  'perl-modules-5.36',
  'procps',
  'perl-base',
  'sysvinit-utils',
  'tar',
  'ucf',
])

/** What no program reads. */
const EXCLUDED = [
  'usr/share/doc',
  'usr/share/man',
  'usr/share/locale',
  'usr/share/info',
  'usr/share/lintian',
  'usr/share/bug',
]

/**
 * Unpacks Debian packages and what they depend on into a tar of a root file system. apt resolves, fetches and verifies;
 * nothing is installed, no script of a package runs, the machine's own apt is neither read nor written.
 */
export async function makeRoot(packages: readonly string[], tar: string, signal: AbortSignal): Promise<void> {
  refuseWithoutApt()
  await removeLeftovers(dirname(tar))
  const work = mkdtempSync(join(dirname(tar), 'unpack-'))
  try {
    const apt = await privateApt(work, signal)
    await apt('update')
    const { stdout } = await apt('install', '--simulate', '--no-install-recommends', ...packages)
    const wanted = [...stdout.matchAll(/^Inst (\S+)/gm)].map(([, name = '']) => name)
    const unpacked = wanted.filter((name) => packages.includes(name) || !INSTALLERS.has(name))
    await apt('download', ...unpacked)
    const root = join(work, 'root')
    makeSkeleton(root)
    for (const file of readdirSync(work).filter((name) => name.endsWith('.deb')))
      await run('dpkg-deb', ['--extract', join(work, file), root], { signal })
    for (const folder of ['bin', 'sbin', 'lib', 'lib64']) await mergeIntoUsr(root, folder)
    await run('rm', ['-rf', '--', ...EXCLUDED.map((path) => join(root, path))])
    await run('chmod', ['1777', join(root, 'tmp')])
    const owner = ['--owner=0', '--group=0', '--numeric-owner', '--sort=name', '--mtime=@1700000000']
    await run('tar', [...owner, '-cf', tar, '-C', root, '.'], { signal })
  } catch (error) {
    throw cannotUnpack(packages, error)
  } finally {
    await run('rm', ['-rf', '--one-file-system', '--', work])
  }
}

/** What those that were killed at it left; nobody is at it for a day. */
async function removeLeftovers(folder: string): Promise<void> {
  const old = readdirSync(folder)
    .filter((name) => /^unpack-|\.tar\.\d+$/.test(name))
    .map((name) => join(folder, name))
    .filter((path) => Date.now() - lstatSync(path).mtimeMs > 24 * 3600 * 1000)
  if (old.length > 0) await run('rm', ['-rf', '--one-file-system', '--', ...old])
}

function refuseWithoutApt(): void {
  if (existsSync('/usr/bin/apt-get') && existsSync('/usr/bin/dpkg-deb') && existsSync(KEYRING)) return
  throw new UserError(
    'cannot unpack Debian packages: apt-get, dpkg-deb or the keyring of Debian is missing',
    {
      hint: "install debian-archive-keyring (Debian, Ubuntu), or set the Dockerfile's FROM to an image that you can pull",
    },
  )
}

/** As Debian's installer does: /bin is a link to /usr/bin; packages of bookworm still bring files for both. */
async function mergeIntoUsr(root: string, folder: string): Promise<void> {
  const [from, to] = [join(root, folder), join(root, 'usr', folder)]
  mkdirSync(to, { recursive: true })
  if (existsSync(from)) await run('cp', ['-a', '--', `${from}/.`, to])
  await run('rm', ['-rf', '--', from])
  symlinkSync(join('usr', folder), from)
}

/** The least that programs look for. */
function makeSkeleton(root: string): void {
  for (const folder of [
    'dev',
    'etc',
    'proc',
    'run',
    'sys',
    'tmp',
    'usr/bin',
    'usr/sbin',
    'usr/lib',
    'usr/lib64',
    'var/tmp',
  ])
    mkdirSync(join(root, folder), { recursive: true })
  const files = {
    'etc/passwd':
      'root:x:0:0:root:/nonexistent:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n',
    'etc/group': 'root:x:0:\nnogroup:x:65534:\n',
    'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
    'etc/os-release': `ID=debian\nVERSION_CODENAME=${SUITE}\nPRETTY_NAME="Debian packages, unpacked by Paddock"\n`,
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text)
}

/** An apt-get with lists, cache and idea of what is installed of its own. */
async function privateApt(work: string, signal: AbortSignal) {
  for (const folder of ['lists/partial', 'archives/partial'])
    mkdirSync(join(work, folder), { recursive: true })
  writeFileSync(join(work, 'sources.list'), `deb [signed-by=${KEYRING}] ${await mirror()} ${SUITE} main\n`)
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
  return (...args: string[]) =>
    run('apt-get', [...flags, '-q', ...args], { cwd: work, signal, maxBuffer: 32 * 1024 * 1024 })
}

/** The mirror that the machine itself uses for Debian, else Debian's own. */
async function mirror(): Promise<string> {
  const format = ['--format', '$(ORIGIN) $(COMPONENT) $(REPO_URI)', 'Created-By: Packages']
  const { stdout } = await run('apt-get', ['indextargets', ...format])
  const own = stdout.split('\n').find((line) => /^Debian main \S+\/debian\/?$/.test(line))
  return own?.split(' ')[2] ?? 'http://deb.debian.org/debian'
}

function cannotUnpack(packages: readonly string[], error: unknown): unknown {
  if (!(error instanceof Error) || error.name === 'AbortError') return error
  if (hasCode(error, 'ENOSPC'))
    return new UserError('cannot unpack Debian packages: the disk is full', { cause: error })
  const said = 'stderr' in error ? String(error.stderr).trim().split('\n').at(-1) : error.message
  return new UserError(`cannot unpack the Debian packages ${packages.join(', ')}: ${said ?? ''}`, {
    hint: 'see whether the names are right (packages.debian.org) and the mirror can be reached',
    cause: error,
  })
}
