import type { IncomingMessage } from 'node:http'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { hasCode, UserError } from '../../lib/errors.ts'
import { request } from '../../lib/request.ts'
import type { Io } from '../command.ts'

/** Watch's own socket (src/watch/start.ts): whoever can open it may act. */
const SOCKET = 'watch.sock'

/** Asks watch and gives its JSON. @throws UserError with watch's own sentence when it refuses */
export async function askWatch<T>(io: Io, path: string): Promise<T> {
  return (await readJson(await exchange(io, 'GET', path))) as T
}

/** Has watch do something. @throws UserError with watch's own sentence when it refuses */
export async function tellWatch<T>(io: Io, path: string, body: object): Promise<T> {
  return (await readJson(await exchange(io, 'POST', path, JSON.stringify(body)))) as T
}

/** An answer that is not JSON, to be read as it comes. */
export async function streamFromWatch(io: Io, path: string): Promise<IncomingMessage> {
  const response = await exchange(io, 'GET', path)
  if (response.statusCode === 200) return response
  await readJson(response)
  throw new UserError(`watch answered ${response.statusCode ?? 0} to ${path}`)
}

function exchange(io: Io, method: 'GET' | 'POST', path: string, body?: string): Promise<IncomingMessage> {
  const socketPath = join(io.env['PADDOCK_RUN_DIR'] ?? '/run/paddock', SOCKET)
  const headers: Record<string, string> = {
    host: 'watch',
    'x-paddock-user': encodeURIComponent(typist(io)),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  }
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, method, path: `/api/v1${path}`, headers, signal: io.signal }, resolve)
    asked.on('error', (error) => {
      reject(unreachable(error, socketPath))
    })
    asked.end(body)
  })
}

/** Who typed it, for the journal: behind sudo the person, not root. */
function typist({ env }: Io): string {
  const name = env['SUDO_USER'] ?? env['USER']
  if (name !== undefined && name !== '') return name
  try {
    return userInfo().username
  } catch {
    // No line in passwd for this uid.
    return `uid ${process.getuid?.() ?? '?'}`
  }
}

function unreachable(error: Error, socketPath: string): Error {
  if (hasCode(error, 'ENOENT', 'ECONNREFUSED')) {
    return new UserError(`cannot reach watch at ${socketPath}: it does not run`, {
      hint: 'start it with `paddock watch`, or set PADDOCK_RUN_DIR to where it runs',
      cause: error,
    })
  }
  if (hasCode(error, 'EACCES')) {
    return new UserError(`cannot reach watch at ${socketPath}: permission denied`, {
      hint: 'do it as root, or as a member of the group paddock',
      cause: error,
    })
  }
  return new UserError(`cannot reach watch at ${socketPath}: ${error.message}`, { cause: error })
}

async function readJson(response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
  const value = parse(Buffer.concat(chunks).toString('utf8'))
  if (response.statusCode === 200) return value
  const { error, hint } = value as { error?: string; hint?: string }
  throw new UserError(
    error ?? `watch answered ${response.statusCode ?? 0}`,
    hint === undefined ? {} : { hint },
  )
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UserError('watch answered what is not JSON', { cause: error })
  }
}
