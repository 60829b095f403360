import { chmodSync, rmSync } from 'node:fs'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { UserError } from '../lib/errors.ts'
import { type Exchange, HttpError, one, readInput, send, sendJson } from './exchange.ts'
import { checkHost, checkOrigin, checkRight, type Guard, identify, securityHeaders } from './guard.ts'
import { layout } from './pages/layout.ts'
import { errorPage } from './pages/login.ts'
import { RateLimit } from './rate.ts'
import { router } from './router.ts'
import type { Action, Reader, Route, View } from './routes/route.ts'
import type { Watch } from './watch.ts'

const MAX_CONNECTIONS = 300
const REQUESTS_BURST = 300
const REQUESTS_PER_SECOND = 50
/** Clients that send or read slower than this are let go. */
const HEADERS_MS = 10_000
const REQUEST_MS = 20_000
const IDLE_MS = 30_000

export interface ServerOptions {
  readonly watch: Watch
  readonly guard: Guard
  readonly routes: readonly Route[]
  /** What is not an error of whoever asked. */
  readonly onBug: (error: unknown) => void
}

/** For browsers and programs, by TCP. @throws UserError when the address cannot be had */
export async function listenTcp(
  options: ServerOptions,
  address: { readonly host: string; readonly port: number },
  tls: { readonly cert: Buffer; readonly key: Buffer } | null,
): Promise<{ server: Server; port: number }> {
  const listener = requestListener(options, false)
  const server =
    tls === null ? createServer(limits, listener) : createTlsServer({ ...limits, ...tls }, listener)
  bound(server)
  await listening(server, address, `${address.host}:${address.port}`)
  return { server, port: (server.address() as AddressInfo).port }
}

/** For `paddock alerts`: whoever can open the socket may act. Its folder and mode say who that is. */
export async function listenSocket(options: ServerOptions, path: string): Promise<Server> {
  const server = createServer(limits, requestListener(options, true))
  bound(server)
  // What a killed watch left; two at once are kept apart by the database's lock.
  rmSync(path, { force: true })
  await listening(server, { path }, path)
  chmodSync(path, 0o660)
  return server
}

const limits = {
  headersTimeout: HEADERS_MS,
  requestTimeout: REQUEST_MS,
  keepAliveTimeout: 5000,
  maxHeaderSize: 16 * 1024,
  connectionsCheckingInterval: 2000,
}

function bound(server: Server): void {
  server.maxConnections = MAX_CONNECTIONS
  server.maxRequestsPerSocket = 1000
  server.setTimeout(IDLE_MS)
}

async function listening(server: Server, where: object, name: string): Promise<void> {
  try {
    server.listen(where)
    await once(server, 'listening')
  } catch (error) {
    if (!(error instanceof Error)) throw error
    throw new UserError(`cannot listen on ${name}: ${error.message}`, {
      hint: 'another program may be there; choose another with --listen',
      cause: error,
    })
  }
}

function requestListener(options: ServerOptions, ownSocket: boolean): RequestListener {
  const { watch, guard } = options
  const find = router(options.routes)
  const headers = securityHeaders(guard.tls)
  const rate = new RateLimit(REQUESTS_BURST, REQUESTS_PER_SECOND, watch.now)
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const exchange = newExchange(options, request, response, ownSocket)
    try {
      if (!ownSocket) {
        checkHost(request, guard)
        const wait = rate.take(request.socket.remoteAddress ?? '')
        if (wait > 0) throw new HttpError(429, 'that is too often', { 'retry-after': String(wait) })
      }
      const found = find(request.method ?? '', exchange.url.pathname)
      if (found.found === 'nothing') throw new HttpError(404, 'there is nothing at this address')
      if (found.found === 'other-method')
        throw new HttpError(405, 'not by this method', { allow: found.allow })
      const { route, api, params } = found.place
      const placed = { ...exchange, params, wantsHtml: !api }
      checkRight(placed, route.right, guard, ownSocket)
      if (route.kind === 'raw') await route.serve(placed)
      else if (route.kind === 'view') await serveView(route, placed)
      else await serveAction(route, placed, guard)
    } catch (error) {
      refuse(exchange, error, options.onBug)
    }
  }
  return (request, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    response.on('error', () => undefined)
    void answer(request, response)
  }
}

function newExchange(
  { watch, guard }: ServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
  ownSocket: boolean,
): Exchange {
  const path = request.url ?? '/'
  const url = path.startsWith('/')
    ? (URL.parse(`http://watch${path}`) ?? new URL('http://watch/'))
    : new URL('http://watch/')
  const wantsHtml = !url.pathname.startsWith('/api/') && (request.headers.accept ?? '').includes('text/html')
  return { watch, request, response, url, params: {}, access: identify(request, guard, ownSocket), wantsHtml }
}

async function serveView(view: View, exchange: Exchange): Promise<void> {
  const { watch, params, url, response, access } = exchange
  const query = Object.fromEntries(url.searchParams)
  const data = await view.data(watch, { params, query })
  if (!exchange.wantsHtml) {
    sendJson(response, 200, data)
    return
  }
  const reader = readerOf(exchange)
  const page = layout({
    title: view.title(data),
    path: url.pathname,
    host: watch.host,
    health: access === null ? null : watch.health(),
    reader,
    body: view.body(data, reader),
  })
  send(response, 200, 'text/html; charset=utf-8', page)
}

async function serveAction(action: Action, exchange: Exchange, guard: Guard): Promise<void> {
  const { watch, params, request, response, access } = exchange
  const input = await readInput(request)
  checkOrigin(exchange, input, guard)
  for (const [name, { required }] of Object.entries(action.fields)) if (required) one(input, name)
  const result = await action.act(watch, params, input, access?.who ?? '')
  if (exchange.wantsHtml) response.writeHead(303, { location: action.next(params, input) }).end()
  else sendJson(response, 200, result)
}

function readerOf({ access, url, watch }: Exchange): Reader {
  return {
    canAct: access?.right === 'act',
    csrf: access?.session?.csrf ?? null,
    query: Object.fromEntries(url.searchParams),
    now: watch.now(),
  }
}

/** Answers with what went wrong: one sentence for whoever asked, the rest for our own log. */
function refuse(exchange: Exchange, error: unknown, onBug: (error: unknown) => void): void {
  const { response, request, wantsHtml, url, watch } = exchange
  const known = error instanceof HttpError || error instanceof UserError
  if (!known && !response.destroyed) onBug(error)
  if (response.headersSent) {
    // Half an answer: cut off, so that nobody takes it for a whole one.
    response.destroy()
    return
  }
  const status = error instanceof HttpError ? error.status : error instanceof UserError ? 409 : 500
  const message = known ? error.message : 'this is a bug of Paddock; its log says more'
  const headers = error instanceof HttpError ? error.headers : {}
  // What is left of a body is not read: the connection ends with the answer.
  if (!request.complete) response.setHeader('connection', 'close')
  if (status === 401 && wantsHtml && request.method === 'GET') {
    const next = url.pathname === '/' ? '' : `?next=${encodeURIComponent(url.pathname + url.search)}`
    response.writeHead(303, { location: `/login${next}` }).end()
    return
  }
  if (!wantsHtml) {
    const hint = error instanceof UserError && error.hint !== undefined ? { hint: error.hint } : {}
    send(response, status, 'application/json', `${JSON.stringify({ error: message, ...hint })}\n`, headers)
    return
  }
  const reader = exchange.access === null ? null : readerOf(exchange)
  const frame = { title: 'Error', path: url.pathname, host: watch.host, health: null, reader }
  const page = layout({ ...frame, body: errorPage(status, message) })
  send(response, status, 'text/html; charset=utf-8', page, headers)
}
