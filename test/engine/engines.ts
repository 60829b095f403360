import { spawn } from 'node:child_process'
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EngineKind } from '../../src/engine/reader.ts'
import { makeBridge } from './bridge.ts'
import { libraryPath, type Suite, suiteDir } from './packages.ts'
import { cgroupParent } from './run-folder.ts'

export type EngineName =
  | 'docker'
  | 'docker-userns'
  | 'docker-containerd'
  | 'podman'
  | 'docker-bridge'
  | 'docker-userns-bridge'
  | 'docker-etc'
  | 'docker-etc-26'
  | 'docker-live'
  | 'docker-vfs'

/** What a test may know of an engine that runs for it. */
export interface RunningEngine {
  readonly name: EngineName
  readonly kind: EngineKind
  /** "unix:///var/tmp/…/docker.sock" */
  readonly address: string
  readonly dataRoot: string
  /** The engine's own process; what it started (containerd, shims) are others. */
  readonly pid: number
  /** Everything the engine printed. */
  readonly log: string
}

interface Recipe {
  readonly kind: EngineKind
  readonly suite: Suite
  /** Prepares the engine's folder, gives the command line. */
  readonly command: (folder: string, cgroup: string) => string[]
}

const recipes: Readonly<Record<EngineName, Recipe>> = {
  docker: {
    kind: 'docker',
    suite: 'bookworm',
    command: (folder, cgroup) => dockerd(folder, cgroup, 'bookworm'),
  },
  'docker-userns': {
    kind: 'docker',
    suite: 'bookworm',
    command: (folder, cgroup) => remappedDockerd(folder, cgroup),
  },
  // Both at once, as a herd is to run.
  'docker-userns-bridge': {
    kind: 'docker',
    suite: 'bookworm',
    command: (folder, cgroup) =>
      remappedDockerd(folder, cgroup, makeBridge(folder, bridgeName(cgroup, folder, 'u'))),
  },
  'docker-containerd': { kind: 'docker', suite: 'trixie', command: containerdStoreDockerd },
  podman: { kind: 'podman', suite: 'bookworm', command: podmanService },
  'docker-bridge': { kind: 'docker', suite: 'bookworm', command: bridgedDockerd },
  'docker-etc': {
    kind: 'docker',
    suite: 'bookworm',
    command: (folder, cgroup) => dockerdWithEtc(folder, cgroup, 'bookworm'),
  },
  // Its containers outlive it: for a test that restarts it.
  'docker-live': {
    kind: 'docker',
    suite: 'bookworm',
    command: (folder, cgroup) => dockerd(folder, cgroup, 'bookworm', { 'live-restore': true }),
  },
  'docker-etc-26': {
    kind: 'docker',
    suite: 'trixie',
    command: (folder, cgroup) => dockerdWithEtc(folder, cgroup, 'trixie'),
  },
  'docker-vfs': {
    kind: 'docker',
    suite: 'bookworm',
    // Every container is a whole copy: there is no layer directory.
    command: (folder, cgroup) => dockerd(folder, cgroup, 'bookworm', { 'storage-driver': 'vfs' }),
  },
}

/** Every kind of engine that Paddock promises to work with. */
export const engineNames = [
  'docker',
  'docker-userns',
  'docker-containerd',
  'podman',
] as const satisfies readonly EngineName[]

export function isEngineName(name: string): name is EngineName {
  return Object.hasOwn(recipes, name)
}

/**
 * Starts one engine with all it owns in a folder of the run's, and waits until it listens.
 * @param folderName what that folder is called
 */
export async function startEngine(run: string, name: EngineName, folderName: string): Promise<RunningEngine> {
  const { kind, suite, command } = recipes[name]
  const folder = join(run, folderName)
  mkdirSync(folder, { mode: 0o711 })
  const [program = '', ...args] = command(folder, cgroupParent(run))
  const log = join(folder, 'log')
  const output = openSync(log, 'a')
  const child = spawn(program, args, {
    cwd: folder,
    env: environment(folder, suite),
    stdio: ['ignore', output, output],
    detached: true,
  })
  child.unref()
  const socket = join(folder, 'engine.sock')
  for (let round = 0; !(await listens(socket)); round++) {
    if (round > 600 || child.exitCode !== null || child.signalCode !== null || child.pid === undefined)
      throw new Error(`the test engine '${name}' does not start: ${readFileSync(log, 'utf8').slice(-2000)}`)
    await sleep(100)
  }
  return { name, kind, address: `unix://${socket}`, dataRoot: join(folder, 'data'), pid: child.pid ?? 0, log }
}

/** The discard port: nothing listens there. */
const NOBODY = 'http://127.0.0.1:9'

function environment(folder: string, suite: Suite): NodeJS.ProcessEnv {
  // Debian 13's runc wants a newer C library than Debian 12 has; 12's runs on both.
  const bins = [...new Set<Suite>([suite, 'bookworm'])].flatMap((name) =>
    ['usr/sbin', 'usr/bin'].map((bin) => join(suiteDir(name), bin)),
  )
  return {
    PATH: [...bins, '/usr/sbin', '/usr/bin', '/sbin', '/bin'].join(':'),
    LD_LIBRARY_PATH: libraryPath(),
    HOME: folder,
    TMPDIR: join(folder, 'tmp'),
    // No test asks a registry on the internet: whatever is not on loopback goes to a port where nobody listens, and fails at once.
    HTTP_PROXY: NOBODY,
    HTTPS_PROXY: NOBODY,
    NO_PROXY: 'localhost,127.0.0.0/8',
    CONTAINERS_CONF: join(folder, 'containers.conf'),
    CONTAINERS_STORAGE_CONF: join(folder, 'storage.conf'),
    CONTAINERS_REGISTRIES_CONF: join(folder, 'registries.conf'),
  }
}

function dockerd(folder: string, cgroup: string, suite: Suite, config: object = {}): string[] {
  mkdirSync(join(folder, 'tmp'))
  // 20.10 would write it to /etc/docker.
  const trustKey = suite === 'bookworm' ? { 'deprecated-key-path': join(folder, 'key.json') } : {}
  writeFileSync(join(folder, 'daemon.json'), JSON.stringify({ bridge: 'none', ...config, ...trustKey }))
  return [
    join(suiteDir(suite), 'usr/sbin/dockerd'),
    `--config-file=${join(folder, 'daemon.json')}`,
    `--host=unix://${join(folder, 'engine.sock')}`,
    `--data-root=${join(folder, 'data')}`,
    `--exec-root=${join(folder, 'exec')}`,
    `--pidfile=${join(folder, 'engine.pid')}`,
    `--init-path=${join(suiteDir('bookworm'), 'usr/bin/tini-static')}`,
    `--cgroup-parent=${cgroup}`,
    '--exec-opt=native.cgroupdriver=cgroupfs',
    // Nothing of the machine's interfaces, rules and routes is touched.
    '--iptables=false',
    '--ip-forward=false',
  ]
}

function containerdStoreDockerd(folder: string, cgroup: string): string[] {
  return dockerd(folder, cgroup, 'trixie', { features: { 'containerd-snapshotter': true } })
}

/** With a bridge of its own: its containers can publish ports on 127.0.0.1, and have networks for compose. */
function bridgedDockerd(folder: string, cgroup: string): string[] {
  return dockerd(folder, cgroup, 'bookworm', makeBridge(folder, bridgeName(cgroup, folder, '')))
}

/** At most 15 characters. */
function bridgeName(cgroup: string, folder: string, suffix: string): string {
  const [, own = ''] = /-(t\d+)$/.exec(folder) ?? []
  return `pdk${cgroup.slice(cgroup.lastIndexOf('-'))}${suffix}${own}`
}

/**
 * userns-remap looks its user up in /etc. The machine's own files stay as they are: the engine runs in a mount
 * namespace where copies with one more user lie over them.
 */
function remappedDockerd(folder: string, cgroup: string, network: object = {}): string[] {
  const user = 'paddockremap'
  const first = 2_000_000_000
  const lines = {
    passwd: `${user}:x:${String(first)}:${String(first)}::/nonexistent:/usr/sbin/nologin\n`,
    group: `${user}:x:${String(first)}:\n`,
    subuid: `${user}:${String(first)}:65536\n`,
    subgid: `${user}:${String(first)}:65536\n`,
  }
  mkdirSync(join(folder, 'etc'))
  for (const [name, line] of Object.entries(lines)) {
    const copy = join(folder, 'etc', name)
    if (existsSync(`/etc/${name}`)) copyFileSync(`/etc/${name}`, copy)
    appendFileSync(copy, line)
  }
  const binds = Object.keys(lines).map((name) => `mount --bind ${join(folder, 'etc', name)} /etc/${name}`)
  const command = dockerd(folder, cgroup, 'bookworm', { 'userns-remap': user, ...network })
  return ['unshare', '--mount', 'sh', '-c', `${binds.join(' && ')} && exec "$@"`, 'sh', ...command]
}

/**
 * A daemon whose /etc is a copy in its own folder, for what changes files there: `--root <folder>`. The copy lies over
 * /etc in the daemon's mount namespace alone; a folder, not files, for a file that is replaced leaves a mount of it behind.
 */
function dockerdWithEtc(folder: string, cgroup: string, suite: Suite): string[] {
  const [program = '', config = '', ...flags] = dockerd(folder, cgroup, suite)
  const etc = join(folder, 'etc')
  cpSync('/etc', etc, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true })
  rmSync(join(etc, 'docker'), { recursive: true, force: true })
  mkdirSync(join(etc, 'docker'))
  renameSync(config.slice('--config-file='.length), join(etc, 'docker/daemon.json'))
  const script = `mount --bind ${etc} /etc && exec "$@"`
  return ['unshare', '--mount', 'sh', '-c', script, 'sh', program, ...flags]
}

function podmanService(folder: string): string[] {
  const own = join(suiteDir('bookworm'), 'usr')
  const files = {
    'containers.conf': `[containers]
default_ulimits = ["nofile=1000:1000", "nproc=1000:1000"]
seccomp_profile = "${own}/share/containers/seccomp.json"
netns = "none"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
conmon_path = ["${folder}/conmon"]
helper_binaries_dir = ["${own}/lib/podman"]
init_path = "${own}/bin/tini-static"
[engine.runtimes]
runc = ["${own}/sbin/runc"]
[network]
network_config_dir = "${folder}/networks"
`,
    'storage.conf': `[storage]\ndriver = "overlay"\ngraphroot = "${folder}/data"\nrunroot = "${folder}/exec"\n`,
    'registries.conf': 'unqualified-search-registries = []\n',
    '.config/containers/policy.json': '{ "default": [{ "type": "insecureAcceptAnything" }] }\n',
  }
  for (const directory of ['tmp', 'networks', '.config/containers'])
    mkdirSync(join(folder, directory), { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  // Podman gives conmon an environment of its own, without the path of its libraries.
  const conmon = `#!/bin/sh\nLD_LIBRARY_PATH=${libraryPath()} exec ${own}/bin/conmon "$@"\n`
  writeFileSync(join(folder, 'conmon'), conmon, { mode: 0o755 })
  const roots = [
    '--root',
    join(folder, 'data'),
    '--runroot',
    join(folder, 'exec'),
    '--tmpdir',
    join(folder, 'state'),
  ]
  const service = ['system', 'service', '--time=0', `unix://${join(folder, 'engine.sock')}`]
  return [join(own, 'bin/podman'), ...roots, ...service]
}

function listens(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = createConnection(socket)
    connection.once('connect', () => {
      connection.destroy()
      resolve(true)
    })
    connection.once('error', () => {
      resolve(false)
    })
  })
}
