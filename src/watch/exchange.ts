import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Session } from './sessions.ts'
import type { Right } from './tokens.ts'
import type { Watch } from './watch.ts'

const MAX_BODY_BYTES = 64 * 1024

/** One request on its way to its answer. */
export interface Exchange {
  readonly watch: Watch
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly url: URL
  /** Of the path: `:id` and the like, decoded. */
  readonly params: Readonly<Record<string, string>>
  /** Null: nobody is logged in. */
  readonly access: { readonly right: Right; readonly who: string; readonly session: Session | null } | null
  /** Whether a person's browser is to be answered, with pages; else a program, with JSON. */
  readonly wantsHtml: boolean
}

/** The answer to a request is an error: its status, and one sentence for whoever asked. */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  readonly status: number
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.status = status
    this.headers = headers
  }
}

/** Values of a form or a JSON object: each a text, or several. */
export type Input = Readonly<Record<string, readonly string[]>>

/** The body of a POST, whichever of both kinds. @throws HttpError when it is too large, of another kind or broken */
export async function readInput(request: IncomingMessage): Promise<Input> {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json' && type !== 'application/x-www-form-urlencoded') {
    throw new HttpError(415, 'send application/json or a form')
  }
  const body = await readBody(request)
  return type === 'application/json' ? fromJson(body) : fromForm(body)
}

async function readBody(request: IncomingMessage): Promise<string> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES)
    throw new HttpError(413, 'that is too much')
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) throw new HttpError(413, 'that is too much', { connection: 'close' })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function fromForm(body: string): Input {
  const form = new URLSearchParams(body)
  return Object.fromEntries([...new Set(form.keys())].map((key) => [key, form.getAll(key)]))
}

function fromJson(body: string): Input {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    throw new HttpError(400, 'that is not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new HttpError(400, 'that is not a JSON object')
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, texts(key, item)]))
}

function texts(key: string, value: unknown): string[] {
  const list: unknown[] = Array.isArray(value) ? value : [value]
  return list.map((item) => {
    if (typeof item === 'string' || typeof item === 'number' || typeof item === 'boolean') return String(item)
    throw new HttpError(400, `${key} is neither a text nor a list of texts`)
  })
}

/** The one value of a key. @throws HttpError when it is missing */
export function one(input: Input, key: string): string {
  const value = input[key]?.[0]
  if (value === undefined) throw new HttpError(400, `${key} is missing`)
  return value
}

export function send(
  response: ServerResponse,
  status: number,
  contentType: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const bytes = Buffer.from(body)
  response.writeHead(status, { ...headers, 'content-type': contentType, 'content-length': bytes.length })
  response.end(response.req.method === 'HEAD' ? undefined : bytes)
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  send(response, status, 'application/json; charset=utf-8', `${JSON.stringify(value)}\n`)
}
