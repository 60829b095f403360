import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ChangeKind } from '../cow/change.ts'
import { type BytePath, bytePath, bytePathFromText } from '../lib/byte-path.ts'
import { readPolicyText } from './file.ts'
import { compilePolicy, type Judge } from './judge.ts'
import { learn } from './learn.ts'
import { policyFile } from './learn/file.ts'
import type { SeenChange, SeenProcess } from './learn/seen.ts'

function change(path: string, more: Partial<SeenChange> & { kind?: ChangeKind } = {}): SeenChange {
  const { kind = 'added', ...facts } = more
  const seen = { type: 'file', largestBytes: 100, passing: false, grave: null } as const
  return { path: bytePathFromText(path), kinds: new Set([kind]), ...seen, ...facts }
}

function process(exe: string | null, more: Partial<SeenProcess> = {}): SeenProcess {
  const seen = { user: 'root', args: '', steady: false, fromOutside: false, inImage: true, times: 1 }
  return { exe: exe === null ? null : bytePathFromText(exe), ...seen, ...more }
}

const learnt = (changes: SeenChange[], processes: SeenProcess[] = [], trustPrograms = false) =>
  learn({ changes, processes }, { trustPrograms, known: null })
const globs = (...changes: SeenChange[]) => learnt(changes).expect.map(({ glob }) => glob)

function load(text: string): Judge {
  const { declaration, problems } = readPolicyText('learnt.yaml', text)
  assert.deepEqual(problems, [], text)
  assert.ok(declaration)
  const { expect, processes, execAllow } = declaration
  return compilePolicy({ expect, processes, execAllow, exec: 'alert' })
}

test('names that vary become patterns, and others keep their name', () => {
  assert.deepEqual(globs(change('/var/lib/redis/temp-4711.rdb', { passing: true })), [
    '/var/lib/redis/temp-[0-9]*.rdb',
  ])
  assert.deepEqual(globs(change('/tmp/php-1.txt'), change('/tmp/sess-20.txt'), change('/tmp/sess-31.txt')), [
    '/tmp/php-1.txt',
    '/tmp/sess-[0-9]*.txt',
  ])
  assert.deepEqual(globs(change('/tmp/up_aB3xZ9'), change('/tmp/up_Qz0o1w')), ['/tmp/up_*'])
  assert.deepEqual(globs(change('/var/log/access-production'), change('/var/log/access-staging')), [
    '/var/log/access-production',
    '/var/log/access-staging',
  ])
  assert.deepEqual(globs(change('/srv/cache/d41d8cd98f00b204e9800998ecf8427e')), ['/srv/cache/[0-9a-f]*'])
  assert.deepEqual(globs(change('/etc/app2024.conf')), ['/etc/app2024.conf'])
  // What the image has keeps its name, numbers and all.
  assert.deepEqual(globs(change('/opt/app-20210101/log', { kind: 'modified' })), ['/opt/app-20210101/log'])
})

test('a folder of data full of changes becomes the folder, and nothing wider than a service of its own', () => {
  const many = Array.from({ length: 9 }, (_, index) => `/var/lib/app/data/${'abcdefghi'.charAt(index)}`)
  assert.deepEqual(globs(...many.map((path) => change(path))), ['/var/lib/app/data/**'])
  assert.deepEqual(globs(...many.map((path) => change(path.replace('/var/lib/app/data', '/tmp')))).length, 9)
  assert.deepEqual(
    globs(...many.map((path) => change(path.replace('/var/lib/app/data', '/var/lib')))).length,
    9,
  )
  assert.deepEqual(globs(...many.map((path) => change(path.replace('/var/lib/app/data', '/etc')))).length, 9)
  const own = [
    change('/tmp/own', { type: 'directory' }),
    ...many.map((path) => change(path.replace('/var/lib/app/data', '/tmp/own'))),
  ]
  assert.deepEqual(globs(...own), ['/tmp/own', '/tmp/own/**'])
})

test('kinds are those that were seen; a file that holds a number may hold no more', () => {
  const { expect } = learnt([
    change('/run/x.pid', { largestBytes: 5 }),
    change('/etc/x', { kind: 'modified' }),
  ])
  assert.deepEqual(
    expect.map(({ glob, kinds, maxSizeBytes }) => [glob, kinds, maxSizeBytes]),
    [
      ['/etc/x', ['modified', 'metadata'], null],
      ['/run/x.pid', ['added'], 1024],
    ],
  )
})

test('a program is learnt only on trust, and what is grave otherwise not even then', () => {
  const program = change('/tmp/x', { grave: { why: 'it is a program', isProgram: true } })
  const accounts = change('/etc/passwd', {
    kind: 'modified',
    grave: { why: 'it says who there is', isProgram: false },
  })
  const strange = process('/tmp/x', { inImage: false })
  const careful = learnt([program, accounts], [strange, process(null)])
  assert.deepEqual([careful.expect, careful.processes, careful.execAllow], [[], [], []])
  assert.deepEqual(
    careful.leftOut.map(({ what }) => what),
    ['/tmp/x', '/etc/passwd', '/tmp/x', '?'],
  )
  const trusting = learnt([program, accounts], [strange, process(null)], true)
  assert.deepEqual(
    trusting.expect.map(({ glob }) => glob),
    ['/tmp/x'],
  )
  assert.deepEqual(
    trusting.execAllow.map(({ glob }) => glob),
    ['/tmp/x'],
  )
  assert.deepEqual(
    trusting.leftOut.map(({ what }) => what),
    ['/etc/passwd', '?'],
  )
})

test('processes: those that stay are required; what does as it is told is expected with what it was told', () => {
  const { processes, leftOut } = learnt(
    [],
    [
      process('/usr/sbin/nginx', { steady: true, args: '-g daemon off;' }),
      process('/usr/sbin/nginx', { user: 'www-data', times: 2 }),
      process('/bin/dash', { args: '-c check 12345', fromOutside: true, steady: true }),
      process('/bin/dash', { args: '-c check 22222', fromOutside: true }),
      process('/bin/bash', { args: '' }),
      process('/bin/bash', { args: '-i' }),
    ],
  )
  assert.deepEqual(
    processes.map(({ exe, user, args, required }) => [exe, user, args, required]),
    [
      ['/bin/dash', 'root', '-c check [0-9]*', false],
      ['/usr/sbin/nginx', 'root', null, true],
      ['/usr/sbin/nginx', 'www-data', null, false],
    ],
  )
  assert.equal(leftOut.length, 2)
  const judge = load(policyFile('web', learnt([], [process('/bin/dash', { args: '-c a*b [x]' })]), []))
  const facts = { exe: bytePathFromText('/bin/dash'), uid: 0, user: 'root' }
  assert.ok(judge.processes?.judge({ ...facts, args: '-c a*b [x]' }))
  assert.equal(judge.processes?.judge({ ...facts, args: '-c aab x' }), null)
})

test('what is expected already is not learnt again', () => {
  const changes = [change('/run/x.pid'), change('/var/log/x')]
  const processes = [process('/usr/bin/x', { user: 'app' })]
  const known = load(policyFile('web', learnt(changes.slice(0, 1), processes), []))
  const again = learn({ changes, processes }, { trustPrograms: false, known })
  assert.deepEqual([again.expect.map(({ glob }) => glob), again.processes], [['/var/log/x'], []])
})

test('whatever a container calls its files, the policy loads, expects them, and is one line for each', () => {
  const name = fc
    .uint8Array({ minLength: 1, maxLength: 40 })
    .map((bytes) => bytes.map((byte) => (byte === 0 || byte === 47 ? 42 : byte)))
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 5 }), name, (names, argument) => {
      const paths = names
        .map((bytes) => `/${bytePath(bytes)}` as BytePath)
        .filter((path) => path !== '/.' && path !== '/..')
      const changes = paths.map((path) => ({ ...change('/x'), path }))
      const args = Buffer.from(argument).toString('latin1')
      const seen = { ...process('/bin/sh', { args: `-c ${args}` }) }
      const found = learnt(changes, [seen])
      const text = policyFile('web', found, ['head'])
      assert.equal(
        text.split('\n').length,
        3 + section(found.expect) + section(found.processes) + section(found.leftOut),
      )
      const judge = load(text)
      for (const path of paths) assert.ok(judge.judge({ path, kind: 'added', sizeBytes: 100 }).expected, text)
    }),
    { numRuns: 300 },
  )
})

function section(lines: readonly unknown[]): number {
  return lines.length === 0 ? 0 : lines.length + 1
}
