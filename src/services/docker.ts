import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { hasCode, UserError } from '../lib/errors.ts'
import { composeProgram } from './compose-program.ts'

export interface Ran {
  readonly code: number | null
  /** At most LONGEST_OUTPUT characters, from the beginning. */
  readonly stdout: string
  /** The last lines. */
  readonly stderr: string
}

export interface RunOptions {
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** What takes standard output and error as they come, in place of gathering them. Bytes, and never faster than it takes them. */
  readonly output?: { readonly stdout: Writable; readonly stderr: Writable }
  /** 'inherit': standard input, output and error are the terminal's. */
  readonly stdio?: 'inherit'
  readonly timeoutMs?: number
  /** Ended, too, where it has said nothing on standard output for so long. */
  readonly firstWordMs?: number
  readonly input?: string
}

/** The `docker` program, pointed at one engine, and its plug-in for `compose`. */
export interface Docker {
  /** "unix:///…" */
  readonly address: string
  /** Runs `docker ARGS`; resolves however it ended. */
  run(args: readonly string[], options?: RunOptions): Promise<Ran>
}

const LONGEST_OUTPUT = 16 * 1024 * 1024
const MOST_LINES = 200

/** What of the caller's environment would lead docker to another engine, or compose to other files, than Paddock means. */
const MISLEADING = [
  'DOCKER_CONTEXT',
  'COMPOSE_FILE',
  'COMPOSE_PROJECT_NAME',
  'COMPOSE_PROFILES',
  'CONTAINER_HOST',
]

/** In the environment of what Paddock runs; tells what a Paddock that was killed has left behind. */
export const RUN_MARK = 'PADDOCK_RUN'

/**
 * @param address of the engine, "unix:///…"
 * @param signal ends what is running, politely
 * @param run what tells this Paddock from every other
 */
export function dockerFor(
  address: string,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
  run: string,
): Docker {
  const base: NodeJS.ProcessEnv = { ...env, DOCKER_HOST: address, COMPOSE_ANSI: 'never', [RUN_MARK]: run }
  for (const name of MISLEADING) Reflect.deleteProperty(base, name)
  const compose = composeProgram(base)
  return {
    address,
    run: (args, options = {}) =>
      args[0] === 'compose' && compose !== null
        ? runDocker(base, signal, compose, args.slice(1), options)
        : runDocker(base, signal, 'docker', args, options),
  }
}

async function runDocker(
  base: NodeJS.ProcessEnv,
  signal: AbortSignal,
  program: string,
  args: readonly string[],
  { env = {}, cwd = '/', output, stdio, timeoutMs, firstWordMs, input }: RunOptions,
): Promise<Ran> {
  const ends = timeoutMs === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  const child = spawn(program, args, {
    cwd,
    env: { ...base, ...env },
    stdio: stdio ?? [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  })
  const end = () => child.kill('SIGTERM')
  // A terminal's Ctrl-C reaches the child by itself; a signal to Paddock alone does not.
  ends.addEventListener('abort', end, { once: true })
  if (ends.aborted) end()
  const silence = firstWordMs === undefined ? undefined : setTimeout(end, firstWordMs)
  child.stdout?.once('data', () => clearTimeout(silence))
  const gathered: string[] = []
  const lines: string[] = []
  if (output !== undefined) {
    child.stdout?.pipe(output.stdout)
    child.stderr?.pipe(output.stderr)
  } else if (child.stdout !== null && child.stderr !== null) {
    gather(child.stdout, gathered)
    createInterface(child.stderr).on('line', (line) => {
      lines.push(line)
      if (lines.length > MOST_LINES) lines.shift()
    })
  }
  if (input !== undefined) {
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(input)
  }
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    return { code, stdout: gathered.join(''), stderr: lines.join('\n') }
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'EACCES')) throw error
    throw new UserError("cannot run 'docker': the program is not on the PATH", {
      hint: INSTALL,
      cause: error,
    })
  } finally {
    clearTimeout(silence)
    ends.removeEventListener('abort', end)
  }
}

function gather(stream: Readable, into: string[]): void {
  let size = 0
  stream.setEncoding('utf8').on('data', (text: string) => {
    if (size < LONGEST_OUTPUT) into.push(text)
    size += text.length
  })
}

const OLDEST_COMPOSE = [2, 20] as const
const INSTALL =
  'install docker with its compose plug-in, 2.20 or later (Debian 13: docker-cli and docker-compose)'

/**
 * Why compose failed, when it failed because it is missing or too old; asked only then, for asking takes time.
 * @returns null when compose is well
 */
export async function composeTrouble(docker: Docker): Promise<UserError | null> {
  const { code, stdout } = await docker.run(['compose', 'version', '--short'])
  const version = /^v?(\d+)\.(\d+)/.exec(stdout.trim())
  if (code !== 0 || version === null) {
    return new UserError("cannot run 'docker compose': the docker client has no compose plug-in", {
      hint: INSTALL,
    })
  }
  const [major, minor] = [Number(version[1]), Number(version[2])]
  if (major > OLDEST_COMPOSE[0] || (major === OLDEST_COMPOSE[0] && minor >= OLDEST_COMPOSE[1])) return null
  return new UserError(
    `cannot use 'docker compose' ${stdout.trim()}: it is too old, and Paddock needs ${OLDEST_COMPOSE.join('.')} or later`,
    { hint: INSTALL },
  )
}
