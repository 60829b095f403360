import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { readProcFile } from './process-info.ts'

/** What starts containers on this host, and where it keeps its state. */
export interface Runtimes {
  readonly binaries: readonly string[]
  readonly stateRoots: readonly string[]
}

const RUNTIMES = ['runc', 'crun', 'youki', 'docker-runc', 'nvidia-container-runtime', 'kata-runtime']
const FOLDERS = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
  '/usr/libexec/podman',
]
const ENGINES = new Set(['dockerd', 'containerd', 'podman'])
const USUAL_ROOTS = [
  '/run/docker/runtime-runc/moby',
  '/run/containerd/runc/moby',
  '/run/containerd/runc/default',
  '/run/containerd/runc/k8s.io',
  '/run/runc',
  '/run/crun',
]

/** By the engines that run: each looks for its runtime on its own PATH, and dockerd keeps state below its exec-root. */
export function findRuntimes(proc: string): Runtimes {
  const folders = new Set(FOLDERS)
  const stateRoots = new Set(USUAL_ROOTS)
  for (const pid of enginePids(proc)) {
    for (const folder of pathOf(proc, pid)) folders.add(folder)
    const execRoot = execRootOf(parseArguments(proc, pid))
    if (execRoot !== null) for (const root of dockerRoots(execRoot)) stateRoots.add(root)
  }
  const binaries = [...folders].flatMap((folder) => RUNTIMES.map((name) => join(folder, name))).flatMap(real)
  return { binaries: [...new Set(binaries)], stateRoots: [...stateRoots] }
}

function enginePids(proc: string): number[] {
  return readdirSync(proc)
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => ENGINES.has(readProcFile(`${proc}/${pid}/comm`)?.trim() ?? ''))
    .map(Number)
}

function pathOf(proc: string, pid: number): string[] {
  try {
    const environment = readFileSync(`${proc}/${pid}/environ`, 'latin1').split('\0')
    const path = environment.find((line) => line.startsWith('PATH='))?.slice(5) ?? ''
    return path.split(':').filter((folder) => folder.startsWith('/'))
  } catch {
    return []
  }
}

function parseArguments(proc: string, pid: number): readonly string[] {
  return readProcFile(`${proc}/${pid}/cmdline`)?.split('\0') ?? []
}

function execRootOf(argv: readonly string[]): string | null {
  if (basename(argv[0] ?? '') !== 'dockerd') return null
  const given = option(argv, '--exec-root')
  if (given !== null) return given
  try {
    const file = option(argv, '--config-file') ?? '/etc/docker/daemon.json'
    const config = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
    return typeof config['exec-root'] === 'string' ? config['exec-root'] : null
  } catch {
    return null
  }
}

function option(argv: readonly string[], name: string): string | null {
  const at = argv.findIndex((word) => word === name || word.startsWith(`${name}=`))
  const word = argv[at]
  if (word === undefined) return null
  return word === name ? (argv[at + 1] ?? null) : word.slice(name.length + 1)
}

function dockerRoots(execRoot: string): string[] {
  const usual = join(execRoot, 'runtime-runc/moby')
  try {
    const others = readdirSync(execRoot).filter((name) => name.startsWith('runtime-'))
    return [usual, ...others.map((name) => join(execRoot, name, 'moby'))]
  } catch {
    return [usual]
  }
}

function real(path: string): string[] {
  try {
    const target = realpathSync(path)
    return statSync(target).isFile() ? [target] : []
  } catch {
    return []
  }
}

/** The folders below which an engine keeps layer directories: its own, and containerd's where it uses the host's. */
export function layerRootsOf(dataRoot: string): string[] {
  return [dataRoot, '/var/lib/containerd'].flatMap((folder) => {
    try {
      return [realpathSync(folder)]
    } catch {
      return []
    }
  })
}
