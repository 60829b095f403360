import { existsSync } from 'node:fs'
import { UserError } from '../lib/errors.ts'
import { openEngine } from './client.ts'
import type { OpenEngine } from './reader.ts'

export interface EngineChoice {
  /** What `--engine` was given. */
  readonly engine?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * Finds the engine and opens it for reading: `--engine`, `DOCKER_HOST`, `CONTAINER_HOST`, then the first usual
 * socket that exists.
 */
export async function connectEngine(choice: EngineChoice): Promise<OpenEngine> {
  return openEngine(findEngine(choice, existsSync))
}

/** @returns the path of the engine's socket */
export function findEngine(choice: EngineChoice, exists: (path: string) => boolean): string {
  const named = namedEngine(choice)
  if (named !== null) return named
  const { env } = choice
  const usual = usualSockets(env['XDG_RUNTIME_DIR'])
  const found = usual.find(exists)
  if (found !== undefined) return found
  throw new UserError(`cannot find an engine: none of ${usual.join(', ')} exists`, {
    hint: 'start Docker or Podman (systemctl start docker, or podman.socket), or name its socket with --engine unix:///…',
  })
}

/**
 * The sockets of all engines of the host, for who looks after it for long: those named, else the usual ones that
 * exist, else the first of them, where an engine may yet come up.
 */
export function findEngines(
  named: readonly string[],
  env: EngineChoice['env'],
  exists: (path: string) => boolean,
): string[] {
  if (named.length > 0) return named.map((address) => socketPath(address, '--engine'))
  const chosen = namedEngine({ env })
  if (chosen !== null) return [chosen]
  const usual = usualSockets(env['XDG_RUNTIME_DIR'])
  const found = usual.filter(exists)
  return found.length > 0 ? found : usual.slice(0, 1)
}

/** What was named by option or environment. */
function namedEngine({ engine, env }: EngineChoice): string | null {
  for (const [source, address] of [
    ['--engine', engine],
    ['DOCKER_HOST', env['DOCKER_HOST']],
    ['CONTAINER_HOST', env['CONTAINER_HOST']],
  ] as const) {
    if (address !== undefined && address !== '') return socketPath(address, source)
  }
  return null
}

function usualSockets(runtimeDir: string | undefined): string[] {
  const rootless = runtimeDir?.startsWith('/') === true ? ['docker.sock', 'podman/podman.sock'] : []
  return [
    '/var/run/docker.sock',
    '/run/podman/podman.sock',
    ...rootless.map((name) => `${runtimeDir ?? ''}/${name}`),
  ]
}

/** Only Unix sockets: what Paddock reads of a container lies on the engine's own host. */
function socketPath(address: string, source: string): string {
  const path = /^unix:\/\/(\/.+)$/.exec(address)?.[1] ?? (address.startsWith('/') ? address : undefined)
  if (path !== undefined && !path.includes('\0')) return path
  throw new UserError(
    `cannot use the engine '${address}' (${source}): it is not the address of a Unix socket`,
    {
      hint: 'Paddock runs on the host of its engine: name the socket, unix:///var/run/docker.sock',
    },
  )
}
