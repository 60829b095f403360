import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { eventually } from '../receivers/programs.ts'
import { type Answer, testWatch } from './running.ts'
import { intrusion, web } from './scene.ts'

const watch = await testWatch()
after(() => watch[Symbol.asyncDispose]())
const captured = watch.producer.keep(Buffer.from('<html><script>globalThis.owned = 1</script>'))
watch.producer.emit(...intrusion(web, [captured]))
await eventually(async () => {
  const { alerts } = await watch.api<{ alerts: unknown[] }>('/alerts')
  assert.equal(alerts.length, 1)
})

const evidencePath = `/alerts/1/evidence/${captured.sha256}`
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const json = { 'content-type': 'application/json' }
const form = { 'content-type': 'application/x-www-form-urlencoded' }
const acknowledge = { method: 'POST', body: JSON.stringify({ id: ['1'], reason: 'x' }) }

function cookieOf(answer: Answer): string {
  const [header = ''] = (answer.headers['set-cookie'] ?? []) as string[]
  return header.split(';')[0] ?? ''
}

async function logIn(token: string, next = '/'): Promise<Answer> {
  const body = new URLSearchParams({ token, name: 'alice', next }).toString()
  return watch.ask('/login', { method: 'POST', headers: form, body })
}

test('what may be asked without a token is the log-in, its files, health and metrics; all else is refused', async () => {
  const open = ['/login', '/style.css', '/live.js', '/icon.svg', '/metrics', '/healthz']
  for (const path of open) assert.ok([200, 503].includes((await watch.ask(path)).status), path)
  const closed = [
    '/',
    '/alerts',
    '/alerts/1',
    '/containers/web',
    '/activity',
    '/system',
    '/events',
    evidencePath,
  ]
  const api = [
    'overview',
    'alerts',
    'alerts/1',
    'containers/web',
    'activity',
    'system',
    'openapi.json',
    'backup',
  ]
  for (const path of [...closed, ...api.map((name) => `/api/v1/${name}`), `/api/v1${evidencePath}`]) {
    const answer = await watch.ask(path)
    assert.equal(answer.status, 401, path)
    assert.doesNotMatch(answer.text, /nginx|docker exec|tmp/)
    const browser = await watch.ask(path, { headers: { accept: 'text/html' } })
    assert.equal(browser.status, path.startsWith('/api/') ? 401 : 303, path)
  }
  for (const headers of [bearer('x'.repeat(43)), bearer(''), { cookie: 'paddock=x' }]) {
    assert.equal((await watch.ask('/api/v1/alerts', { headers })).status, 401)
  }
})

test('health tells nothing that a container chose', async () => {
  const { status, text } = await watch.ask('/healthz')
  assert.deepEqual([status, text], [503, '1 open alert (critical)\n'])
})

test('a token that may read cannot act', async () => {
  const headers = { ...bearer(watch.readToken), ...json }
  assert.equal((await watch.ask('/api/v1/alerts/1', { headers })).status, 200)
  const actions = ['alerts/acknowledge', 'pauses', 'pauses/1/end', 'channels/x/test', 'sweep']
  for (const path of actions) {
    const answer = await watch.ask(`/api/v1/${path}`, { ...acknowledge, headers })
    assert.equal(answer.status, 403, path)
  }
  assert.equal((await watch.ask('/api/v1/backup', { headers })).status, 403)
  const page = await watch.ask('/alerts/1', { headers: { ...headers, accept: 'text/html' } })
  assert.equal(page.status, 200)
  assert.doesNotMatch(page.text, /<form method="post"/)
})

test('tokens are in files that nobody else reads, and differ', () => {
  for (const name of ['token', 'token-read', 'alerts.db']) {
    assert.equal(statSync(join(watch.stateDir, 'watch', name)).mode & 0o077, 0, name)
  }
  assert.notEqual(watch.token, watch.readToken)
  assert.match(watch.token, /^[\w-]{43}$/)
})

test('a name that was made to point here is refused (DNS rebinding), addresses and localhost are not', async () => {
  for (const host of [
    'evil.example.org',
    `evil.example.org:${watch.port}`,
    'localhost.evil.org',
    'other.localhost',
    '127.0.0.1.evil.org',
  ]) {
    for (const path of ['/healthz', '/metrics', '/login', '/api/v1/alerts']) {
      assert.equal((await watch.ask(path, { headers: { host, ...bearer(watch.token) } })).status, 421, host)
    }
  }
  for (const host of [
    'localhost',
    'paddock.localhost',
    `LOCALHOST:${watch.port}`,
    `127.0.0.1:${watch.port}`,
    '[::1]:80',
  ]) {
    assert.equal((await watch.ask('/login', { headers: { host } })).status, 200, host)
  }
})

test('the cookie of a session is for this site alone, and scripts cannot read it', async () => {
  const answer = await logIn(watch.token)
  assert.equal(answer.status, 303)
  const [header = ''] = (answer.headers['set-cookie'] ?? []) as string[]
  assert.match(header, /^paddock=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/)
  const page = await watch.ask('/', { headers: { cookie: cookieOf(answer), accept: 'text/html' } })
  assert.equal(page.status, 200)
})

test('after logging out the cookie opens nothing', async () => {
  const cookie = cookieOf(await logIn(watch.token))
  const page = await watch.ask('/', { headers: { cookie, accept: 'text/html' } })
  const csrf = /name="csrf" value="([\w-]+)"/.exec(page.text)?.[1] ?? ''
  assert.equal(
    (await watch.ask('/logout', { method: 'POST', headers: { cookie, ...form }, body: '' })).status,
    403,
  )
  const out = await watch.ask('/logout', {
    method: 'POST',
    headers: { cookie, ...form },
    body: `csrf=${csrf}`,
  })
  assert.equal(out.status, 303)
  assert.equal((await watch.ask('/api/v1/alerts', { headers: { cookie } })).status, 401)
})

test('log-in leads on to a page of ours only', async () => {
  for (const [next, location] of [
    ['/alerts/1', '/alerts/1'],
    ['//evil.example.org/', '/'],
    ['/\\evil.example.org/', '/'],
    ['https://evil.example.org/', '/'],
    ['/a\r\nset-cookie: x=y', '/'],
    ['javascript:alert(1)', '/'],
  ] as const) {
    assert.equal((await logIn(watch.token, next)).headers['location'], location, next)
  }
})

test('a page of another site cannot act with the cookie of who is logged in', async () => {
  const cookie = cookieOf(await logIn(watch.token))
  const page = await watch.ask('/alerts/1', { headers: { cookie, accept: 'text/html' } })
  const csrf = /name="csrf" value="([\w-]+)"/.exec(page.text)?.[1] ?? ''
  assert.match(csrf, /^[\w-]{32}$/)
  const origin = `http://127.0.0.1:${watch.port}`
  const refused: Record<string, string>[] = [
    {},
    { 'x-csrf-token': `${csrf}x` },
    { 'x-csrf-token': csrf, origin: 'https://evil.example.org' },
    { 'x-csrf-token': csrf, origin: 'null' },
    { 'x-csrf-token': csrf, 'sec-fetch-site': 'cross-site' },
    { 'x-csrf-token': csrf, 'sec-fetch-site': 'same-site' },
  ]
  for (const headers of refused) {
    const answer = await watch.ask('/api/v1/alerts/acknowledge', {
      ...acknowledge,
      headers: { cookie, ...json, ...headers },
    })
    assert.equal(answer.status, 403, JSON.stringify(headers))
    const asForm = await watch.ask('/alerts/acknowledge', {
      method: 'POST',
      body: 'id=1&reason=x',
      headers: { cookie, ...form, ...headers },
    })
    assert.equal(asForm.status, 403, JSON.stringify(headers))
  }
  const state = await watch.api<{ alert: { state: string } }>('/alerts/1')
  assert.equal(state.alert.state, 'open')
  const sweep = await watch.ask('/api/v1/sweep', {
    method: 'POST',
    body: '{}',
    headers: { cookie, ...json, 'x-csrf-token': csrf, origin, 'sec-fetch-site': 'same-origin' },
  })
  assert.equal(sweep.status, 200)
})

test('nothing can be changed by GET', async () => {
  for (const path of ['alerts/acknowledge?id=1&reason=x', 'pauses', 'sweep', 'channels/x/test', 'logout']) {
    for (const prefix of ['/', '/api/v1/']) {
      const { status } = await watch.ask(`${prefix}${path}`, { headers: bearer(watch.token) })
      assert.ok(status === 404 || status === 405, `${prefix}${path}: ${status}`)
    }
  }
})

test('every answer forbids inline scripts, framing, sniffing and keeping', async () => {
  for (const path of ['/', '/login', '/nowhere', '/api/v1/alerts', '/metrics', evidencePath]) {
    const { headers } = await watch.ask(path, { headers: bearer(watch.token) })
    const csp = String(headers['content-security-policy'])
    assert.match(csp, /default-src 'none'; script-src 'self'; style-src 'self'/)
    assert.doesNotMatch(csp, /unsafe|\*|data:/)
    assert.match(csp, /base-uri 'none'; frame-ancestors 'none'/)
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['cache-control'], 'no-store')
    assert.equal(headers['access-control-allow-origin'], undefined)
  }
})

test('evidence is the very bytes, and never anything that a browser would show', async () => {
  for (const path of [evidencePath, `/api/v1${evidencePath}`]) {
    const { status, headers, text } = await watch.ask(path, {
      headers: { ...bearer(watch.token), accept: 'text/html' },
    })
    assert.deepEqual([status, text], [200, '<html><script>globalThis.owned = 1</script>'])
    assert.equal(headers['content-type'], 'application/octet-stream')
    assert.match(
      String(headers['content-disposition']),
      /^attachment; filename="evidence-1-[0-9a-f]{16}\.bin"$/,
    )
    assert.equal(headers['x-content-type-options'], 'nosniff')
  }
  for (const path of [
    `/alerts/2/evidence/${captured.sha256}`,
    `/alerts/1/evidence/${'0'.repeat(64)}`,
    '/alerts/x/evidence/..%2f..',
  ]) {
    assert.equal((await watch.ask(path, { headers: bearer(watch.token) })).status, 404, path)
  }
})

test('addresses that are none are answered, whatever they are', async () => {
  for (const path of [
    '/..%2f..%2fetc/passwd',
    '/%',
    '/alerts/%00',
    '//',
    '/alerts/1/2/3/4/5',
    '/containers/%3Cscript%3E',
    '/alerts?before=1-1%27',
    '/alerts?limit=1e9',
    '/alerts?severity=x',
    '/activity?hours=-1',
  ]) {
    const { status, text } = await watch.ask(path, {
      headers: { ...bearer(watch.token), accept: 'text/html' },
    })
    assert.ok([200, 400, 404].includes(status), `${path}: ${status}`)
    assert.doesNotMatch(text, /<script>|at file:/)
  }
})
