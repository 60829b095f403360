import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  decodeMessage,
  decodeRequest,
  encodeMessage,
  encodeRequest,
  lineSplitter,
  MAX_LINE_BYTES,
} from './codec.ts'
import { findingShape } from './finding-shape.ts'
import type { Finding } from './findings.ts'
import { fitFinding, fitPage } from './fit.ts'
import { requestTypes } from './messages.ts'
import { type Request } from './requests.ts'

const hash = 'ab'.repeat(32)
const container = { id: 'cd'.repeat(32), name: 'web', image: 'herd/web:live', engine: 'docker' as const }

const finding: Finding = {
  version: 1,
  number: 7,
  at: '2026-01-02T03:04:05.678Z',
  kind: 'change',
  source: 'fanotify',
  severity: 'critical',
  reasons: ['executable'],
  summary: 'a new program /tmp/.x',
  container,
  group: 'web/1',
  count: 1,
  path: { path: '/tmp/.x' },
  change: {
    kind: 'added',
    type: 'file',
    now: { mode: '100755', uid: 0, gid: 0, size: 3, sha256: hash },
    was: null,
  },
  processes: [
    {
      pid: 5,
      startTicks: 9,
      parentPid: 1,
      command: 'sh',
      exe: { path: '/bin/sh' },
      argv: ['sh', '-c', 'x'],
      uid: 0,
      uidInside: 0,
    },
  ],
  evidence: [{ sha256: hash, size: 3, truncated: false }],
}

const sampleRequests: readonly Request[] = [
  { type: 'subscribe', id: 1, from: 1, mode: 'receive' },
  { type: 'subscribe', id: 1, from: null, mode: 'follow' },
  { type: 'ack', id: 2, number: 41 },
  { type: 'evidence', id: 3, sha256: hash, offset: 32768 },
  { type: 'pin', id: 4, sha256s: [hash] },
  { type: 'unpin', id: 5, sha256s: [] },
  { type: 'status', id: 6 },
  { type: 'containers', id: 7, offset: 0 },
  { type: 'changes', id: 8, container: container.id, offset: 0 },
  { type: 'processes', id: 9, container: container.id, offset: 0 },
  { type: 'policy', id: 10, container: container.id, offset: 0 },
  {
    type: 'present',
    id: 11,
    causes: [
      { kind: 'path', container: container.id, path: { path: '/tmp/.x' } },
      { kind: 'process', container: container.id, pid: 5, startTicks: 9 },
      { kind: 'trouble', reason: 'queue-overflow' },
    ],
  },
  { type: 'sweep', id: 12, container: null },
]

test('every request in the table crosses unchanged', () => {
  assert.deepEqual(new Set(sampleRequests.map(({ type }) => type)), new Set(requestTypes))
  for (const request of sampleRequests) {
    const line = Buffer.from(encodeRequest(request))
    assert.deepEqual(decodeRequest(line.subarray(0, -1)), { ok: true, value: request })
  }
})

test('a finding crosses unchanged', () => {
  const line = encodeMessage({ type: 'finding', finding: fitFinding(finding) })
  assert.deepEqual(decodeMessage(Buffer.from(line.trimEnd())), {
    ok: true,
    value: { type: 'finding', finding },
  })
})

const refusedRequests: readonly (readonly [what: string, line: string | Buffer, reason: string])[] = [
  ['an empty line', '', 'malformed'],
  ['not JSON', '{"type":', 'malformed'],
  ['not an object', '[1]', 'malformed'],
  ['null', 'null', 'malformed'],
  ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'malformed'],
  ['no type', '{"id":1}', 'unlisted'],
  ['a type of the prototype', '{"type":"constructor","id":1}', 'unlisted'],
  ['a type that is a list', '{"type":["status"],"id":1}', 'unlisted'],
  ['a type that is not in the table', '{"type":"exec","id":1}', 'unlisted'],
  ['no id', '{"type":"status"}', 'malformed'],
  ['a negative id', '{"type":"status","id":-1}', 'malformed'],
  ['a key too many', '{"type":"status","id":1,"x":0}', 'malformed'],
  ['a key named __proto__', '{"type":"status","id":1,"__proto__":{}}', 'malformed'],
  ['a key too few', '{"type":"ack","id":1}', 'malformed'],
  ['a fraction', '{"type":"ack","id":1,"number":1.5}', 'malformed'],
  ['a number beyond 2^53', '{"type":"ack","id":1,"number":9007199254740993}', 'malformed'],
  ['a path for a hash', '{"type":"evidence","id":1,"sha256":"../../etc/shadow","offset":0}', 'malformed'],
  ['a hash with a newline', `{"type":"evidence","id":1,"sha256":"${hash}\\n","offset":0}`, 'malformed'],
  [
    'an offset beyond any evidence',
    `{"type":"evidence","id":1,"sha256":"${hash}","offset":33554433}`,
    'malformed',
  ],
  ['too many hashes', JSON.stringify({ type: 'pin', id: 1, sha256s: Array(501).fill(hash) }), 'malformed'],
  ['a cause of no kind', '{"type":"present","id":1,"causes":[{"kind":"constructor"}]}', 'malformed'],
  ['64 KiB without a newline', ' '.repeat(MAX_LINE_BYTES), 'oversized'],
  ['nesting as deep as a line allows', '['.repeat(MAX_LINE_BYTES - 1), 'malformed'],
]

for (const [what, line, reason] of refusedRequests) {
  test(`refused: ${what}`, () => {
    const decoded = decodeRequest(Buffer.from(line))
    assert.equal(decoded.ok ? 'accepted' : decoded.reason, reason)
  })
}

test('messages: keys that a newer sensor added are let through, wrong ones are not', () => {
  const decode = (value: unknown) => decodeMessage(Buffer.from(JSON.stringify(value))).ok
  assert.ok(decode({ type: 'finding', finding: { ...finding, later: 1 } }))
  assert.ok(!decode({ type: 'finding', finding: { ...finding, severity: 'awful' } }))
  assert.ok(!decode({ type: 'finding', finding: { ...finding, number: 0 } }))
  assert.ok(!decode({ type: 'answer', id: 1, to: 'ack', value: {} }))
  assert.ok(!decode({ type: 'answer', id: 1, to: 'toString', value: {} }))
  assert.ok(decode({ type: 'answer', id: 1, to: 'ack', value: { acked: 3 } }))
})

test('no bytes make the decoders throw, and what they accept encodes to what they accept', () => {
  const pieces = fc.oneof(
    fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      ':',
      ',',
      '\\u0000',
      '\\ud800',
      '1e999',
      '-0',
      'null',
      'true',
      '\n',
    ),
    fc.constantFrom(
      ...requestTypes.map((type) => `"type":"${type}"`),
      '"id":1',
      '"offset":0',
      '"from":1',
      '"__proto__":',
    ),
    fc.string({ unit: 'binary' }),
  )
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.array(pieces, { maxLength: 30 }).map((parts) => Buffer.from(parts.join(''))),
    fc.json().map((json) => Buffer.from(json)),
  )
  fc.assert(
    fc.property(bytes, (line) => {
      const request = decodeRequest(line)
      if (request.ok) assert.ok(decodeRequest(Buffer.from(encodeRequest(request.value).trimEnd())).ok)
      const message = decodeMessage(line)
      if (message.ok) assert.ok(decodeMessage(Buffer.from(encodeMessage(message.value).trimEnd())).ok)
    }),
    { numRuns: 3000 },
  )
})

test('one flipped byte of a valid request never throws, and never reaches outside the table', () => {
  const lines = sampleRequests.map((request) => Buffer.from(encodeRequest(request).trimEnd()))
  fc.assert(
    fc.property(fc.constantFrom(...lines), fc.nat(), fc.nat({ max: 255 }), (line, at, byte) => {
      const changed = Buffer.from(line)
      changed[at % changed.length] = byte
      const decoded = decodeRequest(changed)
      if (decoded.ok) assert.ok(requestTypes.includes(decoded.value.type))
    }),
    { numRuns: 3000 },
  )
})

test('the splitter gives the same lines however the stream is cut', () => {
  const line = fc
    .uint8Array({ maxLength: 40 })
    .map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 10)))
  fc.assert(
    fc.property(fc.array(line, { maxLength: 20 }), fc.array(fc.nat({ max: 30 })), (lines, cuts) => {
      const stream = Buffer.concat(lines.flatMap((one) => [one, Buffer.from('\n')]))
      const split = lineSplitter()
      const got: Buffer[] = []
      let at = 0
      for (const length of [...cuts, stream.length]) {
        const chunk = Buffer.from(stream.subarray(at, at + length))
        got.push(...split(chunk).lines.map((one) => Buffer.from(one)))
        chunk.fill(0x21) // the stream uses its memory again
        at += length
      }
      assert.deepEqual(got, lines)
    }),
  )
})

test('the splitter gives up at 64 KiB, newline included, and holds nothing more', () => {
  const whole = lineSplitter()
  const longest = whole(Buffer.from(`${'x'.repeat(MAX_LINE_BYTES - 1)}\n`))
  assert.equal(longest.oversized, false)
  assert.equal(longest.lines[0]?.length, MAX_LINE_BYTES - 1)

  const split = lineSplitter()
  assert.equal(split(Buffer.alloc(MAX_LINE_BYTES - 1, 'x')).oversized, false)
  assert.deepEqual(split(Buffer.from('x\nabc\n')), { lines: [], oversized: true })
  assert.deepEqual(split(Buffer.from('abc\n')), { lines: [], oversized: true })
})

const hostileText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.nat({ max: 80_000 }).map((length) => '\u0001'.repeat(length)),
  fc.nat({ max: 40_000 }).map((length) => '\ud83d\ude00'.repeat(length)),
)
const hostilePath = fc.oneof(
  hostileText.map((path) => ({ path })),
  fc.nat({ max: 70_000 }).map((length) => {
    const bytes = Buffer.alloc(length, 0xff)
    return { path: bytes.toString('utf8'), pathBase64: bytes.toString('base64') }
  }),
)

test('whatever a container named its things, a fitted finding has the shape and fits the line', () => {
  const hostile = fc.record({
    summary: hostileText,
    group: hostileText,
    name: hostileText,
    path: hostilePath,
    exe: hostilePath,
    argv: fc.array(hostileText, { maxLength: 4 }),
    ancestors: fc.nat({ max: 300 }),
    details: fc.dictionary(fc.string(), hostileText, { maxKeys: 5 }),
    size: fc.constantFrom(0, 2 ** 63),
  })
  fc.assert(
    fc.property(hostile, ({ summary, group, name, path, exe, argv, ancestors, details, size }) => {
      const [first] = finding.processes ?? []
      assert.ok(first)
      const fitted = fitFinding({
        ...finding,
        summary,
        group,
        path,
        container: { ...container, name, image: name },
        processes: Array.from({ length: ancestors + 1 }, () => ({ ...first, exe, argv, command: name })),
        change: { kind: 'added', type: 'file', now: { mode: '100644', uid: 0, gid: 0, size }, was: null },
        details,
      })
      assert.equal(findingShape.check(fitted, 'finding'), null)
      assert.ok(decodeMessage(Buffer.from(encodeMessage({ type: 'finding', finding: fitted }).trimEnd())).ok)
      assert.equal(fitted.number, finding.number)
    }),
    { numRuns: 60 },
  )
})

test('what was cut says so', () => {
  const long = fitFinding({ ...finding, path: { path: `/${'d/'.repeat(20_000)}` } })
  assert.equal(long.details?.['shortened'], true)
  assert.equal(fitFinding(finding).details, undefined)
})

test('a page holds what fits, in order', () => {
  const items = Array.from({ length: 100 }, (_, index) => `${index}`.padEnd(2000))
  const page = fitPage(items)
  assert.ok(page.length > 20 && page.length < 33)
  assert.deepEqual(page, items.slice(0, page.length))
})
