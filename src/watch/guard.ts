import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { userName } from './client-name.ts'
import { isLoopback } from './config.ts'
import { type Exchange, HttpError, type Input } from './exchange.ts'
import type { Sessions } from './sessions.ts'
import type { Tokens } from './tokens.ts'

/** Of a route: who may ask. `local`: anybody on this host, unless configured otherwise. */
export type RouteRight = 'open' | 'local' | 'read' | 'act'

export interface Guard {
  readonly tokens: Tokens
  readonly sessions: Sessions
  /** Names that the page is asked by; lower case, with or without a port. */
  readonly hosts: readonly string[]
  readonly openMetrics: boolean
  readonly tls: boolean
}

/** Sent with everything. Inline scripts and styles are refused by it, whoever put them there. */
export function securityHeaders(tls: boolean): Readonly<Record<string, string>> {
  return {
    'content-security-policy':
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
      "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=()',
    'cache-control': 'no-store',
    ...(tls ? { 'strict-transport-security': 'max-age=31536000' } : {}),
  }
}

/** `__Host-`: only over TLS, only from this very host, for all paths. */
export function cookieName(tls: boolean): string {
  return tls ? '__Host-paddock' : 'paddock'
}

/** Browsers lead all of `.localhost` to this very host, whatever a name server says (RFC 6761). */
const OWN_NAMES = ['localhost', 'paddock.localhost']

/**
 * A page of another site whose name was made to point here (DNS rebinding) still sends that name. An address as the
 * name is safe: nobody can make one point elsewhere.
 */
export function checkHost(request: IncomingMessage, guard: Guard): void {
  const host = (request.headers.host ?? '').toLowerCase()
  const name = host.replace(/:\d+$/, '')
  const bare = name.replace(/^\[|\]$/g, '')
  if (guard.hosts.includes(host) || guard.hosts.includes(name) || OWN_NAMES.includes(name)) return
  if (isIP(bare) !== 0) return
  throw new HttpError(421, 'this is not the name of this page', { connection: 'close' })
}

/** Who asks: whoever can open watch's own socket, the bearer of a token, or who logged in. */
export function identify(request: IncomingMessage, guard: Guard, ownSocket: boolean): Exchange['access'] {
  if (ownSocket) return { right: 'act', who: `${userName(request)} (socket)`, session: null }
  const bearer = /^Bearer +(\S{1,512})$/i.exec(request.headers.authorization ?? '')?.[1]
  if (bearer !== undefined) {
    const access = guard.tokens.check(bearer)
    return access === null ? null : { right: access.right, who: `${access.name} (API)`, session: null }
  }
  const cookie = readCookie(request, cookieName(guard.tls))
  const session = cookie === null ? null : guard.sessions.find(cookie)
  return session === null ? null : { right: session.right, who: session.name, session }
}

/** @throws HttpError 401 when somebody must log in first, 403 when what they have is not enough */
export function checkRight(exchange: Exchange, right: RouteRight, guard: Guard, ownSocket: boolean): void {
  if (right === 'open') return
  const near = ownSocket || isLoopback((exchange.request.socket.remoteAddress ?? '').replace(/^::ffff:/, ''))
  if (right === 'local' && guard.openMetrics && near) return
  if (exchange.access === null) {
    throw new HttpError(401, 'log in, or send a token', { 'www-authenticate': 'Bearer realm="paddock"' })
  }
  if (right === 'act' && exchange.access.right !== 'act') {
    throw new HttpError(403, 'this token may read, not act')
  }
}

/**
 * A request that changes something and comes with a cookie must come from one of our pages: by the browser's word
 * where it gives it, and by the form's own secret. One with a token of its own cannot be made by another page.
 */
export function checkOrigin({ request, access }: Exchange, input: Input, guard: Guard): void {
  const site = request.headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    throw new HttpError(403, 'this came from another site')
  }
  const { origin, host } = request.headers
  if (
    origin !== undefined &&
    origin !== `${guard.tls ? 'https' : 'http'}://${host ?? ''}` &&
    !behindProxy(origin, guard)
  ) {
    throw new HttpError(403, 'this came from another site')
  }
  if (access?.session === null || access === null) return
  const given = input['csrf']?.[0] ?? request.headers['x-csrf-token']
  if (given !== access.session.csrf) throw new HttpError(403, 'the page was too old: load it again')
}

/** Where a proxy does TLS, the browser's origin says https and this side speaks http. */
function behindProxy(origin: string, guard: Guard): boolean {
  const url = URL.parse(origin)
  return (
    url !== null &&
    url.protocol === 'https:' &&
    (guard.hosts.includes(url.host) || guard.hosts.includes(url.hostname))
  )
}

export function readCookie(request: IncomingMessage, name: string): string | null {
  const cookies = (request.headers.cookie ?? '').split(';').map((cookie) => cookie.trim())
  const found = cookies.find((cookie) => cookie.startsWith(`${name}=`))
  return found === undefined ? null : found.slice(name.length + 1)
}
