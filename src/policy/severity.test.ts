import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import type { Change, Entry } from '../cow/change.ts'
import { type BytePath, bytePathFromText } from '../lib/byte-path.ts'
import { assess, reasons, severities } from './severity.ts'
import { places } from './severity-places.fixture.ts'
import type { Content } from './reasons.ts'

const DAY_NS = 86_400_000_000_000n

function entry(values: Partial<Entry> = {}): Entry {
  const plain = {
    uid: 0,
    gid: 0,
    sizeBytes: 10,
    mtimeNs: 100n * DAY_NS,
    inode: 1n,
    device: 1,
    links: 1,
    rdev: 0,
  }
  return { type: 'file', mode: 0o100644, ...plain, ...values }
}

const later = { mtimeNs: 101n * DAY_NS }
const program = { mode: 0o100755 }
const folder = { type: 'directory', mode: 0o40755 } as const

interface Case {
  readonly kind?: Change['kind']
  readonly path?: string
  readonly now?: Partial<Entry> | null
  readonly was?: Partial<Entry> | null
  readonly xattrs?: readonly string[]
  readonly capabilities?: boolean
  readonly content?: Content
}

function change({
  kind = 'added',
  path = '/data/x',
  now = {},
  was = null,
  xattrs = [],
  capabilities = false,
}: Case): Change {
  const nowEntry = kind === 'deleted' || now === null ? null : entry(now)
  const wasEntry = was === null ? null : entry(was)
  return {
    path: bytePathFromText(path),
    kind,
    type: (nowEntry ?? wasEntry)?.type ?? 'file',
    now: nowEntry,
    was: wasEntry,
    xattrs,
    fileCapabilities: capabilities,
  }
}

const head = (text: string): Content => ({ head: Buffer.from(text, 'latin1') })
const link = (target: string): Content => ({ linkTarget: bytePathFromText(target) })
const symlink = { type: 'symlink', mode: 0o120777 } as const

// What has the reason, and what comes close but has it not.
const cases: Readonly<Record<string, { readonly yes: readonly Case[]; readonly no: readonly Case[] }>> = {
  executable: {
    yes: [
      { now: program },
      { now: { mode: 0o100610 } },
      { content: head('\x7fELF\x02') },
      { content: head('#!/bin/sh') },
      { kind: 'replaced', now: program, was: symlink },
    ],
    no: [
      {},
      { content: head('ELF') },
      { now: folder },
      { kind: 'metadata', now: program, was: program },
      { kind: 'modified', now: program, was: program },
    ],
  },
  'program-changed': {
    yes: [
      { kind: 'modified', now: program, was: program },
      { kind: 'modified', now: {}, was: program },
      { kind: 'replaced', now: symlink, was: program },
      { kind: 'modified', was: {}, content: head('#!') },
    ],
    // A chmod of a program of the image copies it up: no new program.
    no: [
      { kind: 'metadata', now: program, was: program },
      { kind: 'modified', was: {} },
    ],
  },
  'made-executable': {
    yes: [{ kind: 'metadata', now: program, was: {} }],
    no: [
      { kind: 'metadata', now: { mode: 0o100775 }, was: { mode: 0o100755 } },
      { kind: 'metadata', now: folder, was: { ...folder, mode: 0o40644 } },
    ],
  },
  'program-deleted': {
    yes: [{ kind: 'deleted', was: program }],
    no: [
      { kind: 'deleted', was: {} },
      { kind: 'deleted', was: folder },
    ],
  },
  setuid: {
    yes: [
      { now: { mode: 0o104755 } },
      { now: { mode: 0o102711 } },
      { kind: 'metadata', now: { mode: 0o104755 }, was: program },
      { kind: 'metadata', now: { mode: 0o104755, uid: 0 }, was: { mode: 0o104755, uid: 33 } },
      { kind: 'modified', now: { mode: 0o104755 }, was: { mode: 0o104755 } },
    ],
    no: [
      { now: { type: 'directory', mode: 0o42755 } },
      { kind: 'metadata', now: { mode: 0o104700 }, was: { mode: 0o104755 } },
    ],
  },
  'file-capability': {
    yes: [
      { capabilities: true },
      { kind: 'metadata', was: {}, capabilities: true, xattrs: ['security.capability'] },
    ],
    no: [{ kind: 'metadata', was: { mode: 0o100600 }, capabilities: true }],
  },
  'world-writable-program': {
    yes: [{ now: { mode: 0o100777 } }, { kind: 'metadata', now: { mode: 0o100757 }, was: program }],
    no: [{ now: { mode: 0o100666 } }, { now: { type: 'directory', mode: 0o41777 } }],
  },
  'device-node': {
    yes: [
      { now: { type: 'block-device', mode: 0o60600 } },
      { now: { type: 'character-device', mode: 0o20666 } },
    ],
    no: [{ kind: 'deleted', was: { type: 'character-device', mode: 0o20666 } }],
  },
  fifo: { yes: [{ now: { type: 'fifo', mode: 0o10644 } }], no: [{}] },
  socket: { yes: [{ now: { type: 'socket', mode: 0o140755 } }], no: [{}] },
  'link-to-host': {
    yes: [
      { now: symlink, content: link('/proc/1/root') },
      { now: symlink, content: link('/var/run/docker.sock') },
      { path: '/a/b', now: symlink, content: link('../../etc/shadow') },
      { path: '/a', now: symlink, content: link('x/../../y') },
    ],
    no: [
      { now: symlink, content: link('/usr/lib/libc.so') },
      { path: '/a/b', now: symlink, content: link('../etc/x') },
      { now: symlink, content: link('/processes') },
    ],
  },
  'deceptive-name': {
    yes: [
      '/a/...',
      '/a/.. ',
      '/a/ x',
      '/a/x ',
      '/a/gnp.\u202eexe',
      '/a/a\u200bb',
      '/a/\n',
      '/a/\x1b[2J',
      '/a/x\u00a0',
      '/a/x.',
    ].map((path) => ({ path })),
    no: ['/a/.b', '/a/two words', '/a/Grüße', '/a/日本', '/a/x..y', '/a /b'].map((path) => ({ path })),
  },
  'hidden-name': {
    yes: [{ path: '/tmp/.x' }, { path: '/tmp/.d/x' }],
    no: [{ path: '/tmp/x.y' }, { kind: 'modified', path: '/a/.x', was: {} }],
  },
  'time-set-back': {
    yes: [
      { kind: 'modified', was: {} },
      { kind: 'metadata', was: later },
    ],
    no: [
      { kind: 'modified', now: later, was: {} },
      { kind: 'metadata', now: later, was: {} },
    ],
  },
  'type-changed': {
    yes: [{ kind: 'replaced', now: symlink, was: {} }],
    no: [{ kind: 'replaced', now: {}, was: {} }],
  },
  'folder-replaced': {
    yes: [
      { kind: 'replaced', now: folder, was: folder },
      { kind: 'replaced', now: symlink, was: folder },
    ],
    no: [{ kind: 'metadata', now: folder, was: folder }],
  },
  'image-file-changed': { yes: [{ kind: 'modified', was: {} }], no: [{}, { kind: 'metadata', was: {} }] },
  'image-file-deleted': { yes: [{ kind: 'deleted', was: {} }], no: [{}] },
  'owner-changed': {
    yes: [
      { kind: 'metadata', now: { uid: 33 }, was: {} },
      { kind: 'metadata', now: { gid: 33 }, was: {} },
    ],
    no: [{ now: { uid: 33 } }],
  },
  'permissions-loosened': {
    yes: [
      { kind: 'metadata', now: { mode: 0o100666 }, was: {} },
      { kind: 'metadata', was: {}, xattrs: ['system.posix_acl_access'] },
    ],
    no: [{ kind: 'metadata', now: { mode: 0o100600 }, was: {} }],
  },
  'log-cleared': {
    yes: [
      { kind: 'deleted', path: '/var/log/auth.log', was: {} },
      { kind: 'modified', path: '/srv/app.log', now: { sizeBytes: 0 }, was: {} },
      { kind: 'replaced', path: '/var/log/wtmp', now: symlink, was: {} },
    ],
    no: [
      { path: '/var/log/auth.log' },
      { kind: 'modified', path: '/var/log/x', now: { sizeBytes: 20 }, was: {} },
    ],
  },
  'history-cleared': {
    yes: [
      { kind: 'deleted', path: '/root/.bash_history', was: {} },
      { kind: 'replaced', path: '/root/.ash_history', now: symlink, was: {} },
    ],
    no: [{ path: '/root/.bash_history' }],
  },
}

test('every reason has its cases, and a technique', () => {
  assert.deepEqual([...Object.keys(cases), ...Object.keys(places)].sort(), [...reasons.keys()].sort())
  for (const { id, technique } of reasons.values()) {
    assert.match(id, /^[a-z]+(-[a-z]+)*$/)
    assert.match(technique, /^T\d{4}(\.\d{3})?$/)
  }
})

for (const [id, { yes, no }] of Object.entries(cases)) {
  test(`${id}: what has the reason, and what has not`, () => {
    for (const one of yes)
      assert.ok(assess(change(one), one.content).reasons.includes(id), `not seen: ${inspect(one)}`)
    for (const one of no)
      assert.ok(!assess(change(one), one.content).reasons.includes(id), `seen: ${inspect(one)}`)
  })
}

for (const [id, [yes, no]] of Object.entries(places)) {
  test(`${id}: where a change has the reason, and where not`, () => {
    for (const path of yes.split(' '))
      assert.ok(assess(change({ path })).reasons.includes(id), `not seen: ${path}`)
    for (const path of no.split(' '))
      assert.ok(!assess(change({ path })).reasons.includes(id), `seen: ${path}`)
  })
}

test('the severity is that of the worst reason, and the worst comes first', () => {
  const { severity, reasons: found } = assess(change({ path: '/etc/cron.d/.x', now: program }))
  assert.equal(severity, 'critical')
  const order = found.map((id) => severities.indexOf(reasons.get(id)?.severity ?? 'info'))
  assert.deepEqual(
    order,
    order.toSorted((a, b) => b - a),
  )
  assert.deepEqual(new Set(found), new Set(['executable', 'cron', 'configuration', 'hidden-name']))
})

test('what has no reason is low, and mere metadata is info', () => {
  assert.deepEqual(assess(change({ path: '/srv/data' })), { severity: 'low', reasons: [] })
  assert.deepEqual(assess(change({ kind: 'metadata', now: later, was: {} })), {
    severity: 'info',
    reasons: [],
  })
})

test('a touch of an important file is no attack, a chmod is', () => {
  const path = '/etc/passwd'
  assert.deepEqual(assess(change({ kind: 'metadata', path, now: later, was: {} })).reasons, [])
  assert.ok(
    assess(change({ kind: 'metadata', path, now: { mode: 0o100666 }, was: {} })).reasons.includes('accounts'),
  )
})

test('a name that is not UTF-8 is deceptive', () => {
  const bytes: Change = { ...change({}), path: '/a/\xff\xfe' as BytePath }
  assert.deepEqual(assess(bytes).reasons, ['deceptive-name'])
})
