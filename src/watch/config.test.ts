import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { UserError } from '../lib/errors.ts'
import { NO_CONFIG, parseConfig, parseListen, readConfig } from './config.ts'

const folder = mkdtempSync(join(tmpdir(), 'paddock-config-'))
after(() => rmSync(folder, { recursive: true }))
const file = join(folder, 'watch.yaml')
writeFileSync(join(folder, 'secret'), 's3cret\n')

test('all there is to set', () => {
  const { channels, ...config } = parseConfig(
    `hosts: [watch.example.org]
pageUrl: https://watch.example.org
tls: { cert: cert.pem, key: /etc/key.pem }
keepDays: 30
maxSizeMiB: 100
tokens:
  - { name: alice, right: act, file: alice.token }
quiet: { from: "22:00", until: "07:30", except: high }
notify:
  - { name: ops, type: webhook, url: https://example.org/hook, secretFile: secret, severity: medium }
  - { type: mail, host: localhost, from: p@example.org, to: a@example.org, quiet: false }
`,
    file,
  )
  assert.deepEqual(config, {
    hosts: ['watch.example.org'],
    pageUrl: 'https://watch.example.org/',
    tls: { cert: join(folder, 'cert.pem'), key: '/etc/key.pem' },
    plainHttp: false,
    openMetrics: true,
    keepDays: 30,
    maxSizeBytes: 100 * 1024 ** 2,
    tokens: [{ name: 'alice', right: 'act', file: join(folder, 'alice.token') }],
  })
  const quiet = { fromMinute: 1320, untilMinute: 450, except: 'high' }
  assert.deepEqual(
    channels.map(({ kind, ...channel }) => channel),
    [
      {
        name: 'ops',
        type: 'webhook',
        severity: 'medium',
        quiet,
        settings: { url: 'https://example.org/hook', secret: 's3cret' },
      },
      {
        name: 'mail',
        type: 'mail',
        severity: 'low',
        quiet: null,
        settings: { host: 'localhost', from: 'p@example.org', to: ['a@example.org'] },
      },
    ],
  )
})

test('a file that is not there, or is empty, sets nothing', () => {
  assert.deepEqual(readConfig(join(folder, 'none.yaml')), NO_CONFIG)
  assert.deepEqual(parseConfig('', file), NO_CONFIG)
  assert.throws(() => readConfig(folder), UserError)
})

for (const [text, problem] of [
  ['hots: []', /watch.yaml:1: hots: is not a key here; there are hosts, pageUrl/],
  ['hosts: [\n', /watch.yaml:2: /],
  ['keepDays: 0', /:1: keepDays: is not a number from 1/],
  ['notify:\n  - { type: pigeon }', /:2: notify.0.type: is not one of webhook, slack/],
  ['notify:\n  - type: ntfy\n    url: https:\/\/x\n', /:2: notify.0: needs topic: /],
  [
    'notify:\n  - type: ntfy\n    url: file:///etc/passwd\n    topic: t',
    /:3: notify.0.url: is not an address/,
  ],
  [
    'notify:\n  - { type: slack, url: http://a }\n  - { type: slack, url: http://b }',
    /:3: .*another channel already/,
  ],
  ['notify:\n  - { type: slack, urlFile: none }', /:2: notify.0.urlFile: cannot be read/],
  ['notify:\n  - { type: mail, host: h, from: f, to: t, tls: maybe }', /tls: is not one of required, none/],
  ['quiet: { from: 25:00, until: "07:00" }', /quiet.from: is not a/],
] as const) {
  test(`a mistake is named with its line: ${JSON.stringify(text)}`, () => {
    assert.throws(
      () => parseConfig(text, file),
      (error: Error) => {
        assert.ok(error instanceof UserError)
        assert.match(error.message, problem)
        return true
      },
    )
  })
}

test('to listen beyond loopback takes TLS or an explicit word', () => {
  assert.deepEqual(parseListen('127.0.0.1:7411', NO_CONFIG), { host: '127.0.0.1', port: 7411 })
  assert.deepEqual(parseListen('7411', NO_CONFIG), { host: '127.0.0.1', port: 7411 })
  assert.deepEqual(parseListen('[::1]:1', NO_CONFIG), { host: '::1', port: 1 })
  for (const text of ['0.0.0.0:80', '[::]:80', 'example.org:80', '127.0.0.1.example.org:80', '10.0.0.1:80']) {
    assert.throws(() => parseListen(text, NO_CONFIG), /reaches beyond this host/)
    assert.ok(parseListen(text, { ...NO_CONFIG, plainHttp: true }))
  }
  for (const text of ['', 'x', '127.0.0.1', '1.2.3.4:99999', 'a b:1']) {
    assert.throws(() => parseListen(text, NO_CONFIG), UserError)
  }
})
