import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../receivers/programs.ts'
import { type Answer, testWatch } from './running.ts'
import { intrusion, web } from './scene.ts'

const watch = await testWatch()
after(() => watch[Symbol.asyncDispose]())
const captured = watch.producer.keep(Buffer.from('captured'))
watch.producer.emit(...intrusion(web, [captured]))
await eventually(async () => {
  const { alerts } = await watch.api<{ alerts: unknown[] }>('/alerts')
  assert.equal(alerts.length, 1)
})

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const json = { 'content-type': 'application/json' }

function logIn(token: string): Promise<Answer> {
  const body = new URLSearchParams({ token }).toString()
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return watch.ask('/login', { method: 'POST', headers, body })
}

test('a body that is too large, of another kind or broken is refused', async () => {
  const ask = (headers: Record<string, string>, body: string) =>
    watch.ask('/api/v1/alerts/acknowledge', {
      method: 'POST',
      headers: { ...bearer(watch.token), ...headers },
      body,
    })
  const cases = [
    [413, json, JSON.stringify({ id: ['1'], reason: 'x'.repeat(70_000) })],
    [413, { ...json, 'transfer-encoding': 'chunked' }, JSON.stringify({ reason: 'x'.repeat(70_000) })],
    [415, { 'content-type': 'text/plain' }, 'id=1&reason=x'],
    [415, {}, '{}'],
    [400, json, '{"id":'],
    [400, json, '[1]'],
    [400, json, '{"id":{"a":1},"reason":"x"}'],
    [400, json, '{"id":["1"]}'],
    [400, json, '{"reason":"x"}'],
    [409, json, '{"id":["77"],"reason":"x"}'],
    [409, json, '{"id":["1"],"reason":"   "}'],
    [409, json, `{"id":["1"],"reason":"${'x'.repeat(1001)}"}`],
  ] as const
  for (const [status, headers, body] of cases) {
    assert.equal((await ask(headers, body)).status, status, body.slice(0, 40))
  }
})

test(
  'a client that sends its request too slowly is let go, and keeps nobody waiting',
  { timeout: 60_000 },
  async () => {
    const slow = connect(watch.port, '127.0.0.1')
    slow.on('error', () => undefined)
    slow.write('GET / HTTP/1.1\r\nHost: localhost\r\nX-')
    const dripping = setInterval(() => slow.write('a'), 1000)
    const ended = once(slow, 'close')
    slow.resume()
    assert.equal((await watch.ask('/login')).status, 200)
    await ended
    clearInterval(dripping)
  },
)

test('a client that reads evidence too slowly does not have it all pile up in memory', async () => {
  const large = watch.producer.keep(Buffer.alloc(30 * 1024 * 1024, 7))
  watch.producer.emit(...intrusion(web, [large]))
  const path = `/alerts/1/evidence/${large.sha256}`
  await eventually(async () =>
    assert.match(JSON.stringify(await watch.api('/alerts/1')), new RegExp(large.sha256)),
  )
  const asked = () => watch.producer.asked.filter((type) => type === 'evidence').length
  const before = asked()
  const slow = connect({ port: watch.port, host: '127.0.0.1' })
  slow.pause()
  slow.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${watch.token}\r\n\r\n`)
  let last = -1
  while (asked() !== last) {
    last = asked()
    await sleep(300)
  }
  // Of 960 pieces of 32 KiB: what the socket's buffers on both sides take, no more.
  assert.ok(last - before > 1 && last - before < 500, `${last - before} pieces were fetched`)
  slow.destroy()
})

test('too many open pages are refused, not gathered, and those of one reader leave room for others', async () => {
  const open = async (credential: string) => {
    const socket = connect(watch.port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(`GET /events HTTP/1.1\r\nHost: localhost\r\n${credential}\r\n\r\n`)
    const [data] = (await once(socket, 'data')) as [Buffer]
    return { socket, status: String(data).slice(9, 12) }
  }
  const many = (credential: string, count: number) =>
    Promise.all(Array.from({ length: count }, () => open(credential)))
  const read = await many(`Authorization: Bearer ${watch.readToken}`, 60)
  const act = await many(`Authorization: Bearer ${watch.token}`, 20)
  const [cookie = ''] = (await logIn(watch.token)).headers['set-cookie'] ?? []
  const third = await many(`Cookie: ${cookie.split(';')[0] ?? ''}`, 20)
  const count = (answers: typeof read, status: string) =>
    answers.filter((answer) => answer.status === status).length
  assert.deepEqual([count(read, '200'), count(read, '503')], [20, 40])
  assert.deepEqual([count(act, '200'), count(third, '200')], [20, 10])
  assert.equal((await watch.ask('/healthz')).status, 503)
  for (const { socket } of [...read, ...act, ...third]) socket.destroy()
  await eventually(async () => assert.match((await watch.ask('/metrics')).text, /paddock_pages_open 0/))
})

test('ten megabytes of a body, a header or an address are cut off early, whoever sends them', async () => {
  const large = Buffer.alloc(10 * 1024 * 1024, 'x')
  const form = 'content-type: application/x-www-form-urlencoded\r\n'
  const chunked = Buffer.concat([
    Buffer.from(`${large.length.toString(16)}\r\n`),
    large,
    Buffer.from('\r\n0\r\n\r\n'),
  ])
  const cases = [
    [
      '413',
      `POST /login HTTP/1.1\r\nHost: localhost\r\n${form}content-length: ${large.length}\r\n\r\n`,
      large,
    ],
    ['413', `POST /login HTTP/1.1\r\nHost: localhost\r\n${form}transfer-encoding: chunked\r\n\r\n`, chunked],
    [
      '401',
      `POST /api/v1/sweep HTTP/1.1\r\nHost: localhost\r\ncontent-length: ${large.length}\r\n\r\n`,
      large,
    ],
    ['431', 'GET / HTTP/1.1\r\nHost: localhost\r\nX-Large: ', large],
    ['431', 'GET /', large],
  ] as const
  for (const [status, head, body] of cases) {
    const socket = connect(watch.port, '127.0.0.1')
    const closed = new Promise((resolve) => socket.once('close', resolve))
    const answered = new Promise<string>((resolve) =>
      socket.once('data', (data) => {
        resolve(String(data))
      }),
    )
    // Watch closes on what is still being sent.
    socket.on('error', () => undefined)
    socket.write(head)
    socket.write(body)
    assert.equal((await answered).slice(9, 12), status, head.slice(0, 40))
    await closed
  }
})

test('wrong tokens are refused, then not even looked at, and the journal tells of them', async () => {
  const statuses: number[] = []
  for (let attempt = 0; attempt < 12; attempt++) statuses.push((await logIn('x'.repeat(43))).status)
  assert.deepEqual(statuses, [...Array<number>(10).fill(401), 429, 429])
  assert.equal((await logIn(watch.token)).status, 429)
  const { journal } = await watch.api<{ journal: { entries: { kind: string }[] } }>('/system')
  assert.equal(journal.entries.filter(({ kind }) => kind === 'login-refused').length, 1)
  // Who has a token of the API, or was logged in before, is not kept out by it.
  assert.equal((await watch.ask('/api/v1/alerts', { headers: bearer(watch.token) })).status, 200)
})

test('one client that asks without end is slowed down', async () => {
  // All in one write, on one connection: however slow the machine is, they arrive at once.
  const socket = connect(watch.port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(`GET /style.css HTTP/1.1\r\nhost: 127.0.0.1:${watch.port}\r\n\r\n`.repeat(900))
  let text = ''
  for await (const chunk of socket) {
    text += String(chunk)
    if (/^HTTP\/1.1 429 [^]*\r\n\r\n/m.test(text)) break
  }
  assert.match(text, /^HTTP\/1.1 200 OK\r\n/)
  assert.match(text, /^HTTP\/1.1 429 [^]*\r\nretry-after: \d+\r\n/im)
  assert.equal(readFileSync(join(watch.stateDir, 'watch/token'), 'utf8').trim(), watch.token)
})
