import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { cacheDir, suiteDir } from './packages.ts'

/** What a program needs in its environment to reach a test engine with `docker` and `docker compose`. */
export function dockerEnvironment(address: string): NodeJS.ProcessEnv {
  const config = join(cacheDir, 'docker-config')
  mkdirSync(config, { recursive: true })
  const plugins = join(suiteDir('trixie'), 'usr/libexec/docker/cli-plugins')
  writeFileSync(join(config, 'config.json'), JSON.stringify({ cliPluginsExtraDirs: [plugins] }))
  return {
    ...process.env,
    PATH: `${join(suiteDir('trixie'), 'usr/bin')}:${process.env['PATH'] ?? '/usr/bin:/bin'}`,
    DOCKER_HOST: address,
    DOCKER_CONFIG: config,
    // Debian has no buildx; the engines' own builder does.
    DOCKER_BUILDKIT: '0',
  }
}

/**
 * Runs Debian 13's docker client.
 * @returns its standard output without the last newline
 * @throws an Error with what it printed on standard error when it fails
 */
export async function runDocker(
  address: string,
  args: readonly string[],
  options: { input?: NodeJS.ReadableStream | string; env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const child = spawn(join(suiteDir('trixie'), 'usr/bin/docker'), args, {
    env: { ...dockerEnvironment(address), ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  // A client that fails before it has read all its input says why itself.
  child.stdin.on('error', () => undefined)
  if (typeof options.input === 'object') options.input.pipe(child.stdin)
  else child.stdin.end(options.input ?? '')
  const closed = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), closed])
  if (code !== 0)
    throw new Error(`docker ${args.join(' ')}: exit ${String(code)}: ${stderr.trim() || stdout.trim()}`)
  return stdout.replace(/\n$/, '')
}
