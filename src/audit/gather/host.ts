import { release } from 'node:os'
import type { ClientSetting, FileFact, Kernel, People, RootlessDaemon, Storage } from '../facts.ts'
import { UserError } from '../../lib/errors.ts'
import type { EngineProcess } from './engine-process.ts'
import type { HostTree } from './host-tree.ts'
import { holds, parseMountinfo, placeOf } from './mount-table.ts'

/** Which of the kernel's confinements are there at all. */
export function gatherKernel(tree: HostTree): Kernel {
  const enforce = (tree.text('/sys/fs/selinux/enforce') ?? '').trim()
  return {
    appArmor: (tree.text('/sys/module/apparmor/parameters/enabled') ?? '').startsWith('Y'),
    selinux: enforce === '1' ? 'enforcing' : enforce === '0' ? 'permissive' : 'off',
    seccomp: tree.text('/proc/sys/kernel/seccomp/actions_avail') !== null,
    release: tree.live ? release() : (tree.text('/proc/sys/kernel/osrelease') ?? '').trim(),
  }
}

/**
 * Whether the data root has a filesystem to itself. dockerd mounts its own data root onto itself, so that a
 * mount point alone proves nothing: the device must differ from that of the system's own folders.
 */
export function gatherStorage(tree: HostTree, dataRoot: string): Storage {
  const mounts = parseMountinfo(
    tree.text(tree.live ? `/proc/${process.pid}/mountinfo` : '/proc/1/mountinfo') ?? '',
  )
  const real = tree.resolve(dataRoot)
  if (real === null) throw new UserError(`the data root ${dataRoot} does not exist`)
  const device = placeOf(real, mounts)?.device
  if (device === undefined) throw new UserError(`no mount is known to hold the data root ${dataRoot}`)
  const shared = ['/', '/var', '/var/lib', '/usr', '/home', '/tmp', '/var/tmp'].filter(
    (folder) => folder !== real,
  )
  const mountPoint = mounts
    .filter(({ target }) => holds(target, real))
    .reduce((best, { target }) => (target.length >= best.length ? target : best), '/')
  return {
    dataRoot,
    mountPoint,
    ownFilesystem: shared.every((folder) => placeOf(folder, mounts)?.device !== device),
  }
}

const EVERYONES = [
  '/etc/environment',
  '/etc/profile',
  '/etc/bash.bashrc',
  '/etc/bashrc',
  '/etc/zsh/zshenv',
  '/etc/zsh/zprofile',
  '/etc/zsh/zshrc',
  '/etc/security/pam_env.conf',
]
const OWN = [
  '.profile',
  '.bash_profile',
  '.bash_login',
  '.bashrc',
  '.bash_aliases',
  '.zshenv',
  '.zprofile',
  '.zshrc',
  '.pam_environment',
  '.config/fish/config.fish',
]
const VARIABLES = 'DOCKER_HOST|CONTAINER_HOST|DOCKER_TLS_VERIFY|DOCKER_CONTENT_TRUST|DOCKER_CERT_PATH'

/** Variables of the engine's client in the profiles of the system and of people. */
export function gatherProfiles(tree: HostTree, people: People): ClientSetting[] {
  const folder = (path: string): string[] => tree.names(path).map((name) => `${path}/${name}`)
  const all = [...EVERYONES, ...folder('/etc/profile.d'), ...folder('/etc/environment.d')].map((file) => ({
    file,
    user: null,
  }))
  const own = homes(people).flatMap(({ name, home }) =>
    OWN.map((file) => ({ file: `${home}/${file}`, user: name })),
  )
  return [...all, ...own].flatMap(({ file, user }) => settings(file, textOrNull(tree, file) ?? '', user))
}

/** Lines that set one of the variables, without what may be secret in the value. */
export function settings(file: string, text: string, user: string | null): ClientSetting[] {
  const pattern = new RegExp(
    `^\\s*(?:(?:export|declare\\s+-x|setenv|set\\s+-\\S+)\\s+)?(${VARIABLES})(?:\\s*=\\s*|\\s+(?:DEFAULT=)?)(.+)$`,
  )
  return text.split('\n').flatMap((line, index) => {
    const [, variable, value = ''] = pattern.exec(line) ?? []
    return variable === undefined
      ? []
      : [{ file, line: index + 1, variable, value: withoutSecrets(value), user }]
  })
}

function withoutSecrets(whole: string): string {
  // Its owner wrote it: bounded before patterns look at it.
  const value = whole.slice(0, 1024)
  const bare = value
    .trim()
    .replace(/^(["'])(.*?)\1.*$/, '$2')
    .replace(/\s*[;#].*$/, '')
  return bare
    .replace(/\/\/[^/@]*@/, '//')
    .replace(/[?].*$/, '')
    .slice(0, 200)
}

/** Private keys of the engine's clients, and client configurations that may hold registry passwords. */
export function gatherClientKeys(
  tree: HostTree,
  people: People,
  profiles: readonly ClientSetting[],
): FileFact[] {
  // A user's own words, and links in a user's own home, may point anywhere: only what belongs to them counts as theirs.
  const uidOf = (name: string | null): number | null =>
    name === null ? null : (people.accounts.find((account) => account.name === name)?.uid ?? -1)
  const folders: readonly { readonly folder: string; readonly uid: number | null }[] = [
    { folder: '/etc/docker', uid: null },
    { folder: '/root/.docker', uid: null },
    ...homes(people)
      .filter(({ uid }) => uid !== 0)
      .map(({ home, uid }) => ({ folder: `${home}/.docker`, uid })),
    ...profiles
      .filter(({ variable, value }) => variable === 'DOCKER_CERT_PATH' && value.startsWith('/'))
      .map(({ value, user }) => ({ folder: value, uid: uidOf(user) })),
  ]
  const facts = folders.flatMap(({ folder, uid }) => {
    const contexts = names(tree, `${folder}/contexts/tls`).slice(0, MAX_CONTEXTS)
    const paths = [
      `${folder}/key.pem`,
      `${folder}/config.json`,
      ...contexts.map((context) => `${folder}/contexts/tls/${context}/docker/key.pem`),
    ]
    return paths.flatMap((path) => {
      const fact = factOrNull(tree, path)
      return fact?.type === 'file' && (uid === null || fact.uid === uid) ? [fact] : []
    })
  })
  return [...new Map(facts.map((fact) => [fact.path, fact])).values()]
}

const MAX_CONTEXTS = 100

/** Engines that people run for themselves, by their processes and sockets. */
export function gatherRootless(
  tree: HostTree,
  people: People,
  processes: readonly EngineProcess[],
): RootlessDaemon[] {
  const found = new Map<string, RootlessDaemon>()
  const add = (uid: number, engine: 'docker' | 'podman', evidence: string): void => {
    const user = people.accounts.find((account) => account.uid === uid)?.name ?? String(uid)
    const key = `${uid}:${engine}`
    if (uid !== 0 && !found.has(key)) found.set(key, { user, uid, engine, evidence })
  }
  for (const { kind, uid, pid } of processes)
    if (kind === 'docker' || kind === 'podman') add(uid, kind, `process ${pid}`)
  for (const uid of tree.names('/run/user').filter((name) => /^\d+$/.test(name)))
    for (const [engine, path] of [
      ['docker', `/run/user/${uid}/docker.sock`],
      ['podman', `/run/user/${uid}/podman/podman.sock`],
    ] as const)
      if (tree.fact(path)?.type === 'socket') add(Number(uid), engine, path)
  for (const { uid, home } of homes(people))
    if (tree.stat(`${home}/.config/systemd/user/docker.service`) !== null)
      add(uid, 'docker', `${home}/.config/systemd/user/docker.service`)
  return [...found.values()]
}

function homes(people: People): { name: string; uid: number; home: string }[] {
  const seen = new Set(['/', '/dev', '/proc', '/sys', '/nonexistent', '/var/empty', ''])
  return people.accounts
    .filter(({ home }) => home.startsWith('/') && !seen.has(home) && seen.add(home))
    .slice(0, 2000)
}

// A home may be closed to us (not root, a root-squashing server): that person's profile is then not read.
function textOrNull(tree: HostTree, path: string): string | null {
  try {
    return tree.text(path)
  } catch (error) {
    if (error instanceof UserError) return null
    throw error
  }
}

function factOrNull(tree: HostTree, path: string): FileFact | null {
  try {
    return tree.fact(path)
  } catch (error) {
    if (error instanceof UserError) return null
    throw error
  }
}

function names(tree: HostTree, path: string): string[] {
  try {
    return tree.names(path)
  } catch (error) {
    if (error instanceof UserError) return []
    throw error
  }
}
