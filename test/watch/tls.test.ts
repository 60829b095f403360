import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setUp } from '../../tools/setup.ts'
import { testWatch } from './running.ts'

/* Watch beyond loopback: by TLS, and by the names that it was given. */

setUp()
const folder = mkdtempSync(join(tmpdir(), 'paddock-tls-'))
after(() => rmSync(folder, { recursive: true }))
const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
execFileSync(
  'openssl',
  [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', '/CN=watch.example.org', '-addext', 'subjectAltName=DNS:watch.example.org'],
    ...['-keyout', key, '-out', cert],
  ],
  { stdio: 'ignore' },
)
const watch = await testWatch(`tls: { cert: ${cert}, key: ${key} }\nhosts: [watch.example.org]\n`)
after(() => watch[Symbol.asyncDispose]())

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
}

/** Trusts this certificate alone, and looks whether it is of the name that is asked for. */
function ask(path: string, host: string, body?: string): Promise<Answer> {
  const headers = {
    host,
    ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
  }
  const method = body === undefined ? 'GET' : 'POST'
  const options = { port: watch.port, path, method, headers, ca: readFileSync(cert), agent: false }
  return new Promise((resolve, reject) => {
    request({ ...options, host: '127.0.0.1', servername: 'watch.example.org' }, (response) => {
      response.resume().on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers })
      })
    })
      .on('error', reject)
      .end(body)
  })
}

test('the page is served by TLS, its cookie is for this host and TLS alone, and browsers are told to come back so', async () => {
  assert.match(watch.url, /^https:/)
  const body = new URLSearchParams({ token: watch.token, name: 'alice' }).toString()
  const { status, headers } = await ask('/login', 'watch.example.org', body)
  assert.equal(status, 303)
  const [cookie = ''] = headers['set-cookie'] ?? []
  assert.match(
    cookie,
    /^__Host-paddock=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200; Secure$/,
  )
  assert.equal(headers['strict-transport-security'], 'max-age=31536000')
})

test('other names are refused, and who speaks plain HTTP gets nothing', async () => {
  assert.equal((await ask('/login', 'watch.example.org:443')).status, 200)
  assert.equal((await ask('/login', 'other.example.org')).status, 421)
  await assert.rejects(watch.ask('/login'), /ECONNRESET|socket hang up|Parse Error/)
})
