import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { request } from '../lib/request.ts'

/** Why a request got no usable answer. The sentence for people is made in trouble.ts. */
export type Failure =
  | { readonly kind: 'connect'; readonly code: string }
  | { readonly kind: 'slow'; readonly afterMs: number }
  | { readonly kind: 'broken-off' }
  | { readonly kind: 'not-http' }
  | { readonly kind: 'too-long'; readonly maxBytes: number }
  | { readonly kind: 'redirect'; readonly status: number }
  | { readonly kind: 'refused'; readonly status: number; readonly body: string }
  | { readonly kind: 'aborted' }

/** A request that failed; carries why. */
export class RequestError extends Error {
  override readonly name = 'RequestError'
  readonly failure: Failure

  constructor(failure: Failure, cause?: unknown) {
    super(failure.kind, { cause })
    this.failure = failure
  }
}

/** Whether a request failed for what it asked for: too long, or never coming. */
export function isFaultOfFile(error: unknown): boolean {
  return error instanceof RequestError && ['too-long', 'slow'].includes(error.failure.kind)
}

export interface Limits {
  /** From the first byte asked to the last byte answered. */
  readonly timeoutMs: number
  readonly maxBytes: number
}

/** `GET path` over a Unix socket. Gives the whole body of a 200, at most `maxBytes`, within `timeoutMs`. */
export async function getBody(socketPath: string, path: string, limits: Limits): Promise<Buffer> {
  const deadline = AbortSignal.timeout(limits.timeoutMs)
  try {
    const response = await get(socketPath, path, deadline)
    const body = await readBody(response, limits.maxBytes)
    // A body that ends with the connection looks whole when it is we who close it.
    deadline.throwIfAborted()
    return body
  } catch (error) {
    if (deadline.aborted) throw new RequestError({ kind: 'slow', afterMs: limits.timeoutMs }, error)
    throw error
  }
}

/**
 * `GET path` over a Unix socket: the response of a 200, its body not yet read. `abort` ends it at any time.
 * Every request has a connection of its own, so that one that hangs holds up no other.
 */
export async function get(socketPath: string, path: string, abort: AbortSignal): Promise<IncomingMessage> {
  const asked = request({ socketPath, path, agent: false, signal: abort, headers: { host: 'paddock' } })
  const response = await firstResponse(asked, abort)
  const status = response.statusCode ?? 0
  if (status === 200) return response
  if (status >= 300 && status < 400) {
    response.destroy()
    throw new RequestError({ kind: 'redirect', status })
  }
  const body = await readBody(response, 64 * 1024)
  throw new RequestError({ kind: 'refused', status, body: body.toString('utf8') })
}

function firstResponse(asked: ClientRequest, abort: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    asked.once('response', resolve)
    // An answer that changes the protocol is none.
    asked.once('upgrade', (_, socket) => {
      socket.destroy()
      reject(new RequestError({ kind: 'not-http' }))
    })
    // However it went: nothing comes after this.
    asked.once('close', () => reject(new RequestError({ kind: 'broken-off' })))
    // Stays for good: an error after the response is the response's too, and is told there.
    asked.on('error', (error) => reject(asFailure(error, abort)))
    asked.end()
  })
}

/** The whole body, at most `maxBytes`. @throws a RequestError */
export async function readBody(response: Readable, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > maxBytes) throw new RequestError({ kind: 'too-long', maxBytes })
      chunks.push(chunk)
    }
  } catch (error) {
    throw asFailure(error)
  }
  return Buffer.concat(chunks, size)
}

/** What Node says of a socket, in our words. */
export function asFailure(error: unknown, abort?: AbortSignal): RequestError {
  if (error instanceof RequestError) return error
  if (abort?.aborted === true) return new RequestError({ kind: 'aborted' }, error)
  const { code = '', syscall } = error as NodeJS.ErrnoException
  if (code.startsWith('HPE_')) return new RequestError({ kind: 'not-http' }, error)
  if (syscall === 'connect') return new RequestError({ kind: 'connect', code }, error)
  return new RequestError({ kind: 'broken-off' }, error)
}
