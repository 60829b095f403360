import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { hasCode } from '../../src/lib/errors.ts'
import { runPaddock } from '../fixtures/run-paddock.ts'
import { fixtureImage, testEngine } from './harness.ts'
import { fetchPackages, libraryPath, suiteDir } from './packages.ts'

/* A rootless Podman: another user's containers, whose root is that user and whose other ids are from subuid(5). */

const UID = 61500
const FIRST = 900_000

// The packages and the image that the engines of the other tests are made of.
const podmanEngine = await testEngine('podman')
const base = mkdtempSync('/var/tmp/paddock-rootless-')
const at = (...names: string[]) => join(base, ...names)
for (const name of ['home/.config/containers', 'home/run', 'bin', 'packages', 'libraries'])
  mkdirSync(at(name), { recursive: true })
chmodSync(base, 0o755)
cpSync('/etc', at('etc'), { recursive: true, verbatimSymlinks: true })
appendFileSync(at('etc/passwd'), `rootless:x:${UID}:${UID}::${at('home')}:/bin/sh\n`)
appendFileSync(at('etc/group'), `rootless:x:${UID}:\n`)
for (const name of ['subuid', 'subgid']) appendFileSync(at('etc', name), `rootless:${FIRST}:65536\n`)
const uidmapPackage = fetchPackages('uidmap', 'bookworm', ['uidmap'])
for (const name of ['newuidmap', 'newgidmap']) {
  copyFileSync(join(uidmapPackage, 'usr/bin', name), at('bin', name))
  // Setuid, as the package has it: the user may write its own map only so.
  chmodSync(at('bin', name), 0o4755)
}
// The cache may lie where only root gets through: it is mounted where all do.
const own = at('packages/usr')
const libraries = libraryPath().replaceAll(suiteDir('bookworm'), at('packages'))
writeFileSync(at('home/conmon'), `#!/bin/sh\nLD_LIBRARY_PATH=${libraries} exec ${own}/bin/conmon "$@"\n`, {
  mode: 0o755,
})
writeFileSync(
  at('home/containers.conf'),
  `[containers]
seccomp_profile = "${own}/share/containers/seccomp.json"
netns = "none"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
conmon_path = ["${at('home/conmon')}"]
helper_binaries_dir = ["${own}/lib/podman"]
[engine.runtimes]
runc = ["${own}/sbin/runc"]
`,
)
writeFileSync(
  at('home/.config/containers/policy.json'),
  '{ "default": [{ "type": "insecureAcceptAnything" }] }\n',
)
execFileSync('chown', ['-R', `${UID}:${UID}`, at('home')])

const inside = `mount --bind ${at('etc')} /etc && mount --bind ${suiteDir('bookworm')} ${at('packages')} &&
  cd ${at('home')} && exec setpriv --reuid ${UID} --regid ${UID} --clear-groups "$@"`
const stores = ['--root', at('home/data'), '--runroot', at('home/exec'), '--tmpdir', at('home/state')]
const command = (...args: string[]) => [
  ...['--mount', 'sh', '-c', inside, 'sh', join(own, 'bin/podman'), ...stores],
  ...['--storage-driver', 'vfs', ...args],
]
const env = {
  HOME: at('home'),
  XDG_RUNTIME_DIR: at('home/run'),
  CONTAINERS_CONF: at('home/containers.conf'),
  LD_LIBRARY_PATH: libraries,
  PATH: [at('bin'), `${own}/bin`, `${own}/sbin`, '/usr/sbin', '/usr/bin', '/sbin', '/bin'].join(':'),
}
const podman = (...args: string[]) =>
  execFileSync('unshare', command(...args), {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim()

const socket = at('home/engine.sock')
const data = at('data')

before(async () => {
  const started = spawn('unshare', command('system', 'service', '--time=0', `unix://${socket}`), {
    env,
    stdio: 'ignore',
  })
  for (let tries = 0; !existsSync(socket); tries += 1) {
    assert.ok(tries < 600 && started.exitCode === null, 'the rootless service does not start')
    await sleep(100)
  }
  // What the other Podman saved goes in by the user's own command.
  await podmanEngine.cli('save', '-o', at('image.tar'), fixtureImage)
  chmodSync(at('image.tar'), 0o644)
  podman('load', '-i', at('image.tar'))
  const image = podman('images', '-q', 'paddock-test/busybox').split('\n')[0] ?? ''
  mkdirSync(data)
  chownSync(data, 1000, 1000)
  chmodSync(data, 0o700)
  podman('run', '-d', '--name', 'one', '-v', `${data}:/data`, '--user', 'app', image, 'sleep', '1000000')
  podman('create', '--name', 'later', '-v', `${data}:/data`, '--user', 'app', image, 'sleep', '1')
})

after(async () => {
  podman('rm', '-fa', '-t', '0')
  // Podman starts itself anew in its user's namespace, and leaves a process that holds it.
  for (let tries = 0; ownProcesses().length > 0 && tries < 100; tries += 1) {
    for (const pid of ownProcesses()) end(pid, tries < 50 ? 'SIGTERM' : 'SIGKILL')
    await sleep(100)
  }
  assert.deepEqual(ownProcesses(), [])
  rmSync(base, { recursive: true, force: true })
})

/** Those that this test started, by what they are called: their folder is in every one's name. */
function ownProcesses(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) => commandOf(pid).includes(base))
}

function end(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    // It went by itself.
    if (!hasCode(error, 'ESRCH')) throw error
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

const uidmap = async (...args: string[]) => {
  const { code, stdout, stderr } = await runPaddock(
    ['uidmap', ...args, '--engine', `unix://${socket}`, '--root', base, '--json'],
    { PADDOCK_STATE_DIR: at('state') },
  )
  return { code, stderr, report: (stdout === '' ? {} : JSON.parse(stdout)) as Report }
}
const map = [
  { inside: 0, outside: UID, count: 1 },
  { inside: 1, outside: FIRST, count: 65_536 },
]

test('status tells the user that is root inside, and each container’s map as the kernel has it', async () => {
  const { code, report } = await uidmap('status')
  assert.deepEqual([code, report.engine.rootless], [0, true])
  const one = report.containers.find(({ name }) => name === 'one')
  assert.deepEqual([one?.rootIsHostRoot, one?.maps?.uids], [false, map])
  const pid = podman('inspect', '--format', '{{.State.Pid}}', 'one')
  assert.match(readFileSync(`/proc/${pid}/uid_map`, 'utf8'), new RegExp(`^\\s+0\\s+${UID}\\s+1\\n`))
  // What one that does not run will get, from subuid(5): the same.
  assert.deepEqual(report.maps?.uids, map)
  const { stdout } = await runPaddock(['uidmap', 'status', '--engine', `unix://${socket}`, '--root', base])
  assert.match(stdout, /: it runs rootless: root of its containers is its own user\n/)
})

test('ids are resolved both ways', async () => {
  const app = FIRST + 999
  assert.equal((await uidmap('resolve', 'one:app')).report.answers[0]?.host?.id, app)
  assert.equal((await uidmap('resolve', 'later:0')).report.answers[0]?.host?.id, UID)
  const { report } = await uidmap('resolve', String(app))
  assert.deepEqual(
    report.answers.map(({ container, inside: { name } }) => `${container} ${name ?? ''}`),
    ['one app'],
  )
})

test('check judges by that map, whether the container runs or not', async () => {
  const { code, report } = await uidmap('check', 'one', 'later')
  assert.equal(code, 1)
  const owner = `${FIRST + 999}:${FIRST + 999}`
  for (const { name, mounts } of report.containers)
    assert.equal(mounts?.[0]?.problems.at(-1)?.mend, `chown ${owner} ${data}`, name)
})

interface Report {
  readonly engine: { readonly rootless: boolean }
  readonly maps: { readonly uids: readonly unknown[] } | null
  readonly containers: readonly {
    readonly name: string
    readonly rootIsHostRoot: boolean
    readonly maps: { readonly uids: readonly unknown[] } | null
    readonly mounts?: readonly { readonly problems: readonly { readonly mend: string | null }[] }[]
  }[]
  readonly answers: readonly {
    readonly container: string
    readonly inside: { readonly name: string | null }
    readonly host: { readonly id: number } | null
  }[]
}
