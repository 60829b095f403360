import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { AuditRules, Daemon, EngineSocket } from '../facts.ts'
import { findPrograms } from './daemon-files.ts'
import type { HostTree } from './host-tree.ts'
import { readUnit } from './units.ts'

const run = promisify(execFile)

/** Paths that rules of auditctl(8) watch. */
export function parseAuditRules(text: string): string[] {
  const paths = text.split('\n').flatMap((line) => {
    const rule = line.replace(/^\s*#.*$/, '')
    if (/-a\s+(never,|\S+,never)/.test(rule)) return []
    const watched = /(?:^|\s)-w\s+(\S+)/.exec(rule)?.[1]
    const filtered = [...rule.matchAll(/-F\s+(?:path|dir)=(\S+)/g)].map(([, path = '']) => path)
    return [...(watched === undefined ? [] : [watched]), ...filtered]
  })
  return [...new Set(paths.map((path) => path.replace(/(?<=.)\/+$/, '')))]
}

/** What the audit daemon watches (the kernel's loaded rules where they can be asked), and what it should. */
export async function gatherAuditRules(
  tree: HostTree,
  daemon: Daemon | null,
  sockets: readonly EngineSocket[],
  dataRoot: string | null,
): Promise<AuditRules> {
  const files = [
    '/etc/audit/audit.rules',
    ...tree
      .names('/etc/audit/rules.d')
      .filter((name) => name.endsWith('.rules'))
      .map((name) => `/etc/audit/rules.d/${name}`),
  ]
  const loaded = tree.live ? await loadedRules() : null
  const watched = parseAuditRules(loaded ?? files.map((path) => tree.text(path) ?? '').join('\n'))

  const program = (name: string): string | undefined => findPrograms(tree, [name])[0]
  const unit = (name: string): string | undefined => readUnit(tree, name)?.files[0]
  const started = daemon?.argv[0]
  const candidates: readonly (readonly [cis: string, path: string | undefined])[] = [
    ['1.1.3', started?.startsWith('/') === true ? started : program('dockerd')],
    ['1.1.4', '/run/containerd'],
    ['1.1.5', dataRoot ?? '/var/lib/docker'],
    ['1.1.6', '/etc/docker'],
    ['1.1.7', unit('docker.service')],
    ['1.1.8', ownContainerd(daemon, sockets)],
    ['1.1.9', unit('docker.socket')],
    ['1.1.10', '/etc/default/docker'],
    ['1.1.11', daemon?.configFile ?? '/etc/docker/daemon.json'],
    ['1.1.12', '/etc/containerd/config.toml'],
    ['1.1.13', '/etc/sysconfig/docker'],
    ['1.1.14', program('containerd')],
    ['1.1.15', program('containerd-shim')],
    ['1.1.16', program('containerd-shim-runc-v1')],
    ['1.1.17', program('containerd-shim-runc-v2')],
    ['1.1.18', program('runc')],
  ]
  const wanted = candidates.flatMap(([cis, path]) =>
    path !== undefined && tree.stat(path) !== null ? [{ cis, path }] : [],
  )
  return { watched, wanted }
}

async function loadedRules(): Promise<string | null> {
  try {
    return (await run('auditctl', ['-l'], { timeout: 10_000, encoding: 'utf8' })).stdout
  } catch {
    // Not installed, or not allowed: the files speak.
    return null
  }
}

/** The containerd that this engine uses: the one it was told of, the one it started, else the system's. */
function ownContainerd(daemon: Daemon | null, sockets: readonly EngineSocket[]): string | undefined {
  const own = ['containerd', 'exec-root'].flatMap((name) => {
    const value = daemon?.settings.get(name)?.value
    return typeof value === 'string' ? [value] : []
  })
  const wanted = own.length > 0 ? own : ['/run/containerd', '/run/docker']
  return sockets.find(
    ({ kind, path }) => kind === 'containerd' && wanted.some((each) => path.startsWith(each)),
  )?.path
}
