import assert from 'node:assert/strict'
import { once } from 'node:events'
import { closeSync, openSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import {
  change,
  connectClient,
  container,
  sample,
  startSocket,
} from '../../../test/fixtures/sensor-socket.ts'
import { bytePathFromText } from '../../lib/byte-path.ts'
import type { ChangeItem } from '../../protocol/answers.ts'
import { encodeRequest, MAX_LINE_BYTES } from '../../protocol/codec.ts'
import { type Request, requests } from '../../protocol/requests.ts'

test('the socket is for root and one group alone', async (t) => {
  const { socketPath } = await startSocket(t)
  assert.equal(statSync(socketPath).mode & 0o777, 0o660)
})

test('hello, then every finding once and in order, acknowledged, and none again', async (t) => {
  const { spool, socketPath } = await startSocket(t)
  for (let index = 1; index <= 300; index += 1) spool.emit(sample(`finding ${index}`))
  const first = await connectClient(socketPath)
  const answer = await first.ask({ type: 'subscribe', from: 1, mode: 'receive' })
  assert.ok(answer.type === 'answer')
  assert.deepEqual(answer.value, { spool: spool.id, oldest: 1, next: 301 })
  assert.equal(first.heard[0]?.type, 'hello')
  await first.findings(300)
  for (let index = 301; index <= 2000; index += 1) spool.emit(sample(`finding ${index}`))
  const findings = await first.findings(2000)
  assert.deepEqual(
    findings.map(({ number, summary }) => `${number} ${summary}`),
    Array.from({ length: 2000 }, (_, index) => `${index + 1} finding ${index + 1}`),
  )
  await first.ask({ type: 'ack', number: 1500 })
  assert.equal(spool.status().acked, 1500)
  first.end()

  const second = await connectClient(socketPath)
  await second.ask({ type: 'subscribe', from: 1501, mode: 'receive' })
  assert.equal((await second.findings(500))[0]?.number, 1501)
  second.end()
})

test('a follower hears what comes from now on, and may not acknowledge', async (t) => {
  const { spool, socketPath, troubles } = await startSocket(t)
  spool.emit(sample('before'))
  const follower = await connectClient(socketPath)
  await follower.ask({ type: 'subscribe', from: null, mode: 'follow' })
  spool.emit(sample('after'))
  assert.deepEqual(
    (await follower.findings(1)).map(({ summary }) => summary),
    ['after'],
  )
  follower.send(encodeRequest({ type: 'ack', id: 9, number: 1 }))
  const closing = await follower.closing()
  assert.ok(closing.type === 'closing' && closing.reason === 'malformed')
  assert.equal(spool.status().acked, 0)
  assert.deepEqual(
    troubles.map(({ reasons }) => reasons[0]),
    ['request-refused'],
  )
})

test('an ack of what was never sent closes the connection', async (t) => {
  const { spool, socketPath } = await startSocket(t)
  const watch = await connectClient(socketPath)
  await watch.ask({ type: 'subscribe', from: 1, mode: 'receive' })
  spool.emit(sample('one'))
  await watch.findings(1)
  watch.send(encodeRequest({ type: 'ack', id: 9, number: 2 }))
  await watch.closing()
  assert.equal(spool.status().acked, 0)
})

test('a new receiver takes the place of the old one', async (t) => {
  const { socketPath } = await startSocket(t)
  const old = await connectClient(socketPath)
  await old.ask({ type: 'subscribe', from: 1, mode: 'receive' })
  const fresh = await connectClient(socketPath)
  await fresh.ask({ type: 'subscribe', from: 1, mode: 'receive' })
  const closing = await old.closing()
  assert.ok(closing.type === 'closing' && closing.reason === 'replaced')
  assert.equal((await fresh.ask({ type: 'status' })).type, 'answer')
  fresh.end()
})

test('heartbeats say that the sensor lives', async (t) => {
  const { socketPath } = await startSocket(t)
  const follower = await connectClient(socketPath)
  await follower.ask({ type: 'subscribe', from: null, mode: 'follow' })
  for (let tries = 0; !follower.heard.some(({ type }) => type === 'heartbeat'); tries += 1) {
    assert.ok(tries < 1000)
    await sleep(10)
  }
  follower.end()
})

test('every question in the table has an answer that clients take', async (t) => {
  const { folder, evidence, socketPath } = await startSocket(t)
  writeFileSync(join(folder, 'dropped'), 'payload')
  const fd = openSync(join(folder, 'dropped'), 'r')
  const meta = { containerId: container, path: bytePathFromText('/x'), mode: 0, uid: 0, gid: 0, mtimeNs: 0n }
  const sha256 = evidence.keep(fd, meta)?.sha256 ?? ''
  closeSync(fd)
  const watch = await connectClient(socketPath)
  const value = async (request: Record<string, unknown> & { type: Request['type'] }) => {
    const message = await watch.ask(request)
    return message.type === 'answer' ? message.value : message.type === 'failed' ? message.reason : message
  }
  assert.deepEqual(await value({ type: 'evidence', sha256, offset: 3 }), {
    size: 7,
    offset: 3,
    base64: Buffer.from('load').toString('base64'),
  })
  assert.equal(await value({ type: 'evidence', sha256: 'ff'.repeat(32), offset: 0 }), 'not-found')
  assert.deepEqual(await value({ type: 'pin', sha256s: [sha256] }), { found: 1 })
  assert.equal(evidence.status().pinned, 1)
  assert.deepEqual(await value({ type: 'unpin', sha256s: [sha256] }), { found: 1 })
  const status = await value({ type: 'status' })
  assert.ok(typeof status === 'object' && 'spool' in status && typeof status.spool === 'object')
  assert.deepEqual(await value({ type: 'containers', offset: 0 }), { total: 0, items: [] })
  assert.equal(await value({ type: 'processes', container, offset: 0 }), 'not-found')
  assert.deepEqual(await value({ type: 'policy', container, offset: 0 }), {
    total: 1,
    items: [{ text: 'x'.repeat(4096), source: 'web.yaml:4' }],
  })
  const causes = [{ kind: 'trouble', reason: 'x' }]
  assert.deepEqual(await value({ type: 'present', causes }), { present: [null] })
  assert.deepEqual(await value({ type: 'sweep', container: null }), { queued: true })
  assert.equal(await value({ type: 'sweep', container }), 'not-found')

  let seen = 0
  for (let pages = 0; seen < 1000; pages += 1) {
    const page = await value({ type: 'changes', container, offset: seen })
    assert.ok(typeof page === 'object' && 'items' in page && page.items.length > 0 && pages < 50)
    assert.equal((page.items[0] as ChangeItem).path.path, change(seen).path.path)
    seen += page.items.length
  }
  watch.end()
})

const refusals: readonly (readonly [what: string, bytes: string | Buffer, reason: string])[] = [
  ['malformed', 'GET / HTTP/1.1\r\n\r\n', 'malformed'],
  ['unlisted', '{"type":"exec","id":1,"command":"sh"}\n', 'unlisted'],
  ['oversized', Buffer.alloc(MAX_LINE_BYTES + 10, 'x'), 'oversized'],
  ['too frequent', '{"type":"sweep","id":1,"container":null}\n'.repeat(6), 'too-frequent'],
  ['subscribing twice', '{"type":"subscribe","id":1,"from":1,"mode":"follow"}\n'.repeat(2), 'too-frequent'],
]

for (const [what, bytes, reason] of refusals) {
  test(`refused, closed, counted and told: ${what}`, async (t) => {
    const { socketPath, troubles } = await startSocket(t)
    const hostile = await connectClient(socketPath)
    hostile.send(bytes)
    const closing = await hostile.closing()
    assert.ok(closing.type === 'closing' && closing.reason === reason)
    const good = await connectClient(socketPath)
    const status = await good.ask({ type: 'status' })
    assert.ok(status.type === 'answer' && status.to === 'status')
    assert.equal(status.value.connections.refused[reason as 'malformed'], 1)
    assert.deepEqual(
      troubles.map(({ reasons, details }) => [reasons[0], details?.['refusal']]),
      [['request-refused', reason]],
    )
    good.end()
  })
}

test('too many connections are turned away, and room comes back', async (t) => {
  const { socketPath } = await startSocket(t)
  const held = await Promise.all(Array.from({ length: 16 }, () => connectClient(socketPath)))
  const more = await connectClient(socketPath)
  const closing = await more.closing()
  assert.ok(closing.type === 'closing' && closing.reason === 'too-many')
  held[0]?.end()
  await sleep(50)
  const next = await connectClient(socketPath)
  assert.equal((await next.ask({ type: 'status' })).type, 'answer')
  for (const one of [...held, next]) one.end()
})

test('a side that asks and does not read is not answered into memory without bound', async (t) => {
  const { folder, evidence, socketPath } = await startSocket(t)
  writeFileSync(join(folder, 'dropped'), Buffer.alloc(1 << 20, 7))
  const fd = openSync(join(folder, 'dropped'), 'r')
  const meta = { containerId: container, path: bytePathFromText('/x'), mode: 0, uid: 0, gid: 0, mtimeNs: 0n }
  const sha256 = evidence.keep(fd, meta)?.sha256 ?? ''
  closeSync(fd)
  const greedy = await connectClient(socketPath)
  const ASKED = 600
  greedy.socket.pause()
  const before = process.memoryUsage().arrayBuffers
  for (let id = 0; id < ASKED; id += 1) {
    greedy.send(encodeRequest({ type: 'evidence', id, sha256, offset: 0 }))
  }
  await sleep(500)
  const grown = process.memoryUsage().arrayBuffers - before
  assert.ok(grown < 16 << 20, `${grown} bytes`)
  greedy.socket.resume()
  for (let tries = 0; greedy.heard.length < ASKED; tries += 1) {
    assert.ok(tries < 1000, `${greedy.heard.length} answers`)
    await sleep(10)
  }
  greedy.end()
})

test('no bytes bring the server down', async (t) => {
  const { socketPath } = await startSocket(t)
  const lines = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((json) => Buffer.from(`${json}\n`)),
    fc
      .constantFrom(...(Object.keys(requests) as (keyof typeof requests)[]))
      .chain((type) =>
        fc
          .dictionary(
            fc.constantFrom(
              'id',
              'offset',
              'container',
              'sha256',
              'sha256s',
              'from',
              'mode',
              'causes',
              'number',
            ),
            fc.oneof(fc.integer(), fc.constantFrom(null, container, 'receive', [], [container]), fc.string()),
          )
          .map((body) => Buffer.from(`${JSON.stringify({ ...body, type, id: 1 })}\n`)),
      ),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(lines, { maxLength: 5 }), async (chunks) => {
      const hostile = connect(socketPath)
      hostile.on('error', () => undefined)
      await once(hostile, 'connect')
      for (const chunk of chunks) hostile.write(chunk)
      hostile.resume()
      hostile.end()
      await once(hostile, 'close')
    }),
    { numRuns: 40 },
  )
  await sleep(200)
  const good = await connectClient(socketPath)
  assert.equal((await good.ask({ type: 'status' })).type, 'answer')
  good.end()
})
