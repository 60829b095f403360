import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UserError } from '../src/lib/errors.ts'
import { fetchEngines } from '../test/engine/packages.ts'

/** What the tests, the demo and the benchmarks run of the machine: program, and the Debian package that has it. */
const programs = {
  'apt-get': 'apt',
  'dpkg-deb': 'dpkg',
  curl: 'curl',
  debootstrap: 'debootstrap',
  fatrace: 'fatrace',
  find: 'findutils',
  git: 'git',
  ip: 'iproute2',
  iptables: 'iptables',
  mount: 'mount',
  nsenter: 'util-linux',
  openssl: 'openssl',
  python3: 'python3',
  setfattr: 'attr',
  script: 'bsdutils',
  setpriv: 'util-linux',
  'systemd-analyze': 'systemd',
  tar: 'tar',
  unshare: 'util-linux',
  useradd: 'passwd',
} as const

/** Only browser tests need these; they ask for them by name. */
const browser = { chromium: 'chromium' } as const

/** Only `npm run test:kernels` needs these. */
const kernels = {
  cpio: 'cpio',
  mke2fs: 'e2fsprogs',
  'qemu-system-x86_64': 'qemu-system-x86',
  xz: 'xz-utils',
} as const

/**
 * Makes the machine ready for `npm test` and `npm run demo`: what is there stays, what is missing is installed
 * (as root on Debian or Ubuntu) or named in the error.
 */
export function setUp(options: { browser?: boolean; kernels?: boolean } = {}): void {
  installMissing({
    ...programs,
    ...(options.browser === true ? browser : {}),
    ...(options.kernels === true ? kernels : {}),
  })
  fetchEngines()
}

function installMissing(wanted: Readonly<Record<string, string>>): void {
  const missing = Object.keys(wanted).filter((program) => !isOnPath(program))
  const packages = [...new Set(missing.map((program) => wanted[program] ?? program))]
  if (!existsSync('/usr/share/keyrings/debian-archive-keyring.gpg')) packages.push('debian-archive-keyring')
  if (packages.length === 0) return
  const command = `apt-get install --no-install-recommends ${packages.join(' ')}`
  if (process.getuid?.() !== 0 || !isOnPath('apt-get')) {
    throw new UserError(`these programs are missing: ${missing.join(', ')}`, {
      hint: `run '${command}' as root (Debian, Ubuntu), or install the like`,
    })
  }
  console.error(`paddock: ${command} …`)
  // None of them is a service; should a dependency be one, it is not to start on this machine by our doing.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const apt = (...args: string[]) =>
    execFileSync('apt-get', ['-q', '-y', ...args], { env, stdio: ['ignore', 2, 2] })
  apt('update')
  apt('install', '--no-install-recommends', ...packages)
}

function isOnPath(program: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin']
  return folders.some((folder) => existsSync(join(folder, program)))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    setUp({ browser: process.argv.includes('--browser') })
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    console.error(`paddock: ${error.message}; ${error.hint ?? ''}`)
    process.exitCode = 2
  }
}
