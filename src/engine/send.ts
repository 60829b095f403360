import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { request } from '../lib/request.ts'
import { asFailure, readBody, RequestError } from './http.ts'

export interface Outgoing {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  /** JSON, or a tar archive as it comes. */
  readonly body?: { readonly json: unknown } | { readonly tar: Readable }
}

/** An engine at work (unpacking an image) may be silent for long; one that hangs is silent for longer. */
const SILENCE_MS = 10 * 60_000

/**
 * One request that may change something, over a Unix socket: the response of a success (2xx), its body not yet read.
 * Bodies of any size stream through in either direction. `abort` ends it at any time.
 * @throws a RequestError
 */
export async function send(
  socketPath: string,
  outgoing: Outgoing,
  abort: AbortSignal,
): Promise<IncomingMessage> {
  const { method, path, body } = outgoing
  const type =
    body === undefined ? {} : { 'content-type': 'json' in body ? 'application/json' : 'application/x-tar' }
  const asked = request({
    socketPath,
    method,
    path,
    agent: false,
    signal: abort,
    headers: { host: 'paddock', ...type },
  })
  asked.setTimeout(SILENCE_MS, () => {
    asked.destroy(new RequestError({ kind: 'slow', afterMs: SILENCE_MS }))
  })
  const response = await answerTo(asked, body, abort)
  const status = response.statusCode ?? 0
  if (status >= 200 && status < 300) return response
  const text = (await readBody(response, 64 * 1024)).toString('utf8')
  throw new RequestError({ kind: 'refused', status, body: text })
}

function answerTo(
  asked: ClientRequest,
  body: Outgoing['body'],
  abort: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    asked.once('response', resolve)
    asked.once('close', () => {
      reject(new RequestError({ kind: 'broken-off' }))
    })
    asked.on('error', (error) => {
      reject(asFailure(error, abort))
    })
    if (body === undefined) asked.end()
    else if ('json' in body) asked.end(JSON.stringify(body.json))
    else {
      body.tar.on('error', (error) => {
        // Of the file, not of the engine: told as what it is.
        reject(error)
        asked.destroy()
      })
      body.tar.pipe(asked)
    }
  })
}
