import { checkOrigin, cookieName, type Guard, readCookie } from '../guard.ts'
import { type Exchange, HttpError, one, readInput, send } from '../exchange.ts'
import { layout } from '../pages/layout.ts'
import { loginPage } from '../pages/login.ts'
import type { RateLimit } from '../rate.ts'
import type { Raw } from './route.ts'

const NAME = /^[\p{L}\p{N} ._@-]{1,40}$/u

/** Logging in and out: a token for a cookie. */
export function loginRoutes(guard: Guard, failures: RateLimit): readonly Raw[] {
  const page = (exchange: Exchange, status: number, problem: string | null, next: string) => {
    const { watch, response } = exchange
    const body = loginPage(next, problem)
    const frame = { title: 'Log in', path: '/login', host: watch.host, health: null, reader: null, body }
    send(response, status, 'text/html; charset=utf-8', layout(frame))
  }
  return [
    {
      kind: 'raw',
      method: 'GET',
      path: '/login',
      right: 'open',
      summary: 'The form to log in',
      contentType: 'text/html',
      serve: (exchange) => {
        page(exchange, 200, null, ownPath(exchange.url.searchParams.get('next')))
      },
    },
    {
      kind: 'raw',
      method: 'POST',
      path: '/login',
      right: 'open',
      summary: 'Log in: a token for a session cookie',
      contentType: 'text/html',
      async serve(exchange) {
        const { request, response, watch } = exchange
        const input = await readInput(request)
        checkOrigin({ ...exchange, access: null }, input, guard)
        const client = request.socket.remoteAddress ?? ''
        const next = ownPath(input['next']?.[0] ?? null)
        if (failures.exhausted(client)) {
          response.setHeader('retry-after', '60')
          page(exchange, 429, 'Too many wrong tokens. Wait a minute, then try again.', next)
          return
        }
        const access = guard.tokens.check(one(input, 'token').trim())
        if (access === null) {
          failures.take(client)
          watch.loginRefused(client)
          page(exchange, 401, 'That is not a token of this watch.', next)
          return
        }
        const name = (input['name']?.[0] ?? '').trim()
        if (name !== '' && !NAME.test(name)) {
          page(exchange, 400, 'A name has letters, digits and few signs.', next)
          return
        }
        const who = name === '' ? access.name : `${name} (${access.name})`
        const { cookie } = guard.sessions.begin({ right: access.right, name: who })
        response.writeHead(303, { location: next, 'set-cookie': cookieHeader(guard, cookie, 43_200) }).end()
      },
    },
    {
      kind: 'raw',
      method: 'POST',
      path: '/logout',
      right: 'read',
      summary: 'Log out: the session ends',
      contentType: 'text/html',
      async serve(exchange) {
        const { request, response } = exchange
        checkOrigin(exchange, await readInput(request), guard)
        const cookie = readCookie(request, cookieName(guard.tls))
        if (cookie === null) throw new HttpError(400, 'nobody was logged in')
        guard.sessions.end(cookie)
        response.writeHead(303, { location: '/login', 'set-cookie': cookieHeader(guard, '', 0) }).end()
      },
    },
  ]
}

function cookieHeader(guard: Guard, value: string, maxAgeSeconds: number): string {
  const secure = guard.tls ? '; Secure' : ''
  return `${cookieName(guard.tls)}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}${secure}`
}

/** Only a path of ours: never "//elsewhere", nor what a browser reads as that. */
function ownPath(next: string | null): string {
  return next !== null && /^\/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,500}$/.test(next) ? next : '/'
}
