import type { Daemon, DaemonFile, EngineSocket } from '../facts.ts'
import type { HostTree } from './host-tree.ts'
import { readUnit } from './units.ts'

/** What a file should look like; CIS numbers of its owner's and its mode's rule. */
interface Row {
  readonly role: string
  readonly paths: readonly string[]
  readonly maxMode: number
  readonly ownerGroups?: readonly string[]
  readonly cisOwner?: string
  readonly cisMode?: string
}

/** Every file that decides what the engine does, with its owner, its mode, and the folders above it. */
export function gatherDaemonFiles(
  tree: HostTree,
  daemon: Daemon | null,
  sockets: readonly EngineSocket[],
  dataRoot: string | null,
): DaemonFile[] {
  const setting = (name: string): string[] => {
    const value = daemon?.settings.get(name)?.value
    return typeof value === 'string' && value !== '' ? [value] : []
  }
  const unit = (name: string): readonly string[] => readUnit(tree, name)?.files ?? []
  const registry = tree.names('/etc/docker/certs.d').flatMap((host) => {
    const folder = `/etc/docker/certs.d/${host}`
    return tree.names(folder).map((name) => `${folder}/${name}`)
  })
  const socketsOf = (kind: EngineSocket['kind']): string[] =>
    sockets.filter((socket) => socket.kind === kind && socket.engineUid === 0).map(({ path }) => path)
  const program = daemon?.argv[0]

  const rows: readonly Row[] = [
    {
      role: 'unit of the engine',
      paths: unit('docker.service'),
      maxMode: 0o644,
      cisOwner: '3.1',
      cisMode: '3.2',
    },
    {
      role: 'unit of its socket',
      paths: unit('docker.socket'),
      maxMode: 0o644,
      cisOwner: '3.3',
      cisMode: '3.4',
    },
    { role: 'configuration folder', paths: ['/etc/docker'], maxMode: 0o755, cisOwner: '3.5', cisMode: '3.6' },
    {
      role: 'registry certificate',
      paths: registry.filter((path) => !path.endsWith('.key')),
      maxMode: 0o644,
      cisOwner: '3.7',
      cisMode: '3.8',
    },
    {
      role: 'registry key',
      paths: registry.filter((path) => path.endsWith('.key')),
      maxMode: 0o600,
      cisOwner: '3.7',
      cisMode: '3.8',
    },
    {
      role: 'certificate authority of the API',
      paths: setting('tlscacert'),
      maxMode: 0o644,
      cisOwner: '3.9',
      cisMode: '3.10',
    },
    {
      role: 'certificate of the API',
      paths: setting('tlscert'),
      maxMode: 0o644,
      cisOwner: '3.11',
      cisMode: '3.12',
    },
    { role: 'key of the API', paths: setting('tlskey'), maxMode: 0o600, cisOwner: '3.13', cisMode: '3.14' },
    {
      role: 'engine socket',
      paths: socketsOf('docker'),
      maxMode: 0o660,
      ownerGroups: ['docker', ...setting('group')],
      cisOwner: '3.15',
      cisMode: '3.16',
    },
    { role: 'engine socket', paths: socketsOf('podman'), maxMode: 0o660 },
    {
      role: 'daemon configuration',
      paths: [daemon?.configFile ?? '/etc/docker/daemon.json'],
      maxMode: 0o644,
      cisOwner: '3.17',
      cisMode: '3.18',
    },
    {
      role: 'environment of the engine',
      paths: ['/etc/default/docker'],
      maxMode: 0o644,
      cisOwner: '3.19',
      cisMode: '3.20',
    },
    {
      role: 'environment of the engine',
      paths: ['/etc/sysconfig/docker'],
      maxMode: 0o644,
      cisOwner: '3.22',
      cisMode: '3.21',
    },
    {
      role: 'containerd socket',
      paths: socketsOf('containerd'),
      maxMode: 0o660,
      cisOwner: '3.23',
      cisMode: '3.24',
    },
    { role: 'unit of containerd', paths: unit('containerd.service'), maxMode: 0o644 },
    { role: 'configuration of containerd', paths: ['/etc/containerd/config.toml'], maxMode: 0o644 },
    {
      role: 'program of the engine',
      paths: program?.startsWith('/') === true ? [program] : findPrograms(tree, ['dockerd']),
      maxMode: 0o755,
    },
    {
      role: 'program of the engine',
      paths: findPrograms(tree, [
        'containerd',
        'containerd-shim-runc-v2',
        'runc',
        'crun',
        'docker-proxy',
        'docker-init',
      ]),
      maxMode: 0o755,
    },
    { role: 'client that root runs', paths: findPrograms(tree, ['docker', 'podman']), maxMode: 0o755 },
    {
      role: 'plug-ins of the client',
      paths: [
        '/usr/libexec/docker/cli-plugins',
        '/usr/lib/docker/cli-plugins',
        '/usr/local/lib/docker/cli-plugins',
      ],
      maxMode: 0o755,
    },
    {
      role: 'plug-ins of the engine',
      paths: ['/etc/docker/plugins', '/usr/lib/docker/plugins'],
      maxMode: 0o755,
    },
    { role: 'data root', paths: dataRoot === null ? [] : [dataRoot], maxMode: 0o711 },
  ]

  return rows.flatMap(({ role, paths, maxMode, ownerGroups = [], cisOwner = null, cisMode = null }) =>
    paths.flatMap((path): DaemonFile[] => {
      const fact = tree.fact(path)
      if (fact === null) return []
      return [
        { ...fact, role, maxMode, owner: 'root', ownerGroups: ['root', ...ownerGroups], cisOwner, cisMode },
      ]
    }),
  )
}

/** Programs by name in the folders where systems keep them; the same file under two names counts once. */
export function findPrograms(tree: HostTree, names: readonly string[]): string[] {
  const paths = new Map<string, string>()
  for (const name of names)
    for (const folder of [
      '/usr/bin',
      '/usr/sbin',
      '/usr/local/bin',
      '/usr/local/sbin',
      '/usr/libexec/docker',
    ]) {
      const path = `${folder}/${name}`
      const real = tree.resolve(path)
      if (real !== null && tree.stat(path)?.isFile() === true && !paths.has(real)) paths.set(real, path)
    }
  return [...paths.values()]
}
