import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytePathFromText as path } from '../lib/byte-path.ts'
import { readPolicyText } from './file.ts'
import { compilePolicy } from './judge.ts'
import { mergePolicy } from './merge.ts'
import type { ProcessFacts } from './processes.ts'

function judge(body: string) {
  const { declaration, problems } = readPolicyText('p', `match: { container: "*" }\n${body}`)
  assert.ok(declaration, JSON.stringify(problems))
  return compilePolicy(mergePolicy([declaration]))
}

const RULES = `expect:
  - { path: /run/x, kinds: [added, modified], maxSize: 100 }
  - /run/*
  - /var/log/**
  - { path: /var/cache/**, kinds: [added] }
  - /var/cache/deep/**
  - /never
`

test('the first rule that expects a change, its kind and size, is the one that counts', () => {
  const rules = judge(RULES)
  const line = (name: string, kind: 'added' | 'deleted', sizeBytes: number | null) =>
    rules.judge({ path: path(name), kind, sizeBytes }).rule?.source.line ?? null
  assert.equal(line('/run/x', 'added', 100), 3)
  assert.equal(line('/run/x', 'added', 101), 4, 'too large for the first')
  assert.equal(line('/run/x', 'deleted', null), 4, 'not of its kinds')
  assert.equal(line('/run/x/y', 'added', 1), null)
  assert.equal(line('/var/cache/deep/a', 'added', 1), 6)
  assert.equal(line('/var/cache/deep/a', 'deleted', null), 7)
  assert.equal(line('/var/cache/a', 'deleted', null), null)
  assert.deepEqual(rules.judge({ path: path('/etc/x'), kind: 'added', sizeBytes: 1 }), {
    expected: false,
    rule: null,
  })
})

test('a whole subtree is expected only where no kind and no size is asked for', () => {
  const rules = judge(RULES)
  const answers = [
    '/',
    '/var',
    '/var/log',
    '/var/log/a/b',
    '/var/cache',
    '/var/cache/deep',
    '/var/cache/deep/x',
    '/run',
  ]
  assert.deepEqual(
    answers.filter((dir) => rules.expectsWholeSubtree(path(dir))),
    ['/var/log', '/var/log/a/b', '/var/cache/deep', '/var/cache/deep/x'],
  )
  assert.equal(judge('expect: ["/**"]').expectsWholeSubtree(path('/')), true)
  assert.equal(judge('expect: ["**/*"]').expectsWholeSubtree(path('/')), true)
  assert.equal(judge('expect: ["/*"]').expectsWholeSubtree(path('/')), false)
  assert.equal(judge('expect: ["/**/?*"]').expectsWholeSubtree(path('/')), false)
})

test('a name decides alone where no rule that matches it asks for more', () => {
  const rules = judge(RULES)
  assert.equal(rules.judgeName(path('/run/y'))?.rule?.source.line, 4)
  assert.equal(rules.judgeName(path('/run/x')), null)
  assert.equal(rules.judgeName(path('/var/cache/a')), null)
  assert.equal(rules.judgeName(path('/etc/x'))?.expected, false)
})

test('a rule that expected nothing is told; one that spared a folder the look is not', () => {
  const judged = judge(RULES)
  judged.judge({ path: path('/run/x'), kind: 'added', sizeBytes: 1 })
  judged.judgeName(path('/run/y'))
  judged.expectsWholeSubtree(path('/var/log/nginx'))
  assert.deepEqual(
    judged.unusedRules().map(({ source }) => source.line),
    [6, 7, 8],
  )
  judged.forgetUse()
  assert.equal(judged.unusedRules().length, 6)
})

test('what a policy does not name is not expected, whatever its depth', () => {
  const judged = judge('expect: ["**/a/**/z"]')
  const deep = `/${'a/'.repeat(10_000)}`
  assert.equal(judged.judge({ path: path(`${deep}z`), kind: 'added', sizeBytes: 1 }).expected, true)
  assert.equal(judged.judge({ path: path(`${deep}y`), kind: 'added', sizeBytes: 1 }).expected, false)
})

test('an intruder cannot choose names that are slow to match', () => {
  const judged = judge(
    `expect: ["/t/${'*a'.repeat(100)}*b", "${'**/*a*a*a/'.repeat(20)}b", "/t/${'*[ab]?'.repeat(40)}c"]`,
  )
  const name = 'a'.repeat(255)
  for (const where of [`/t/${name}`, `/${`${name}/`.repeat(200)}c`])
    assert.equal(judged.judge({ path: path(where), kind: 'added', sizeBytes: 1 }).expected, false)
})

test('a file of the layer directory runs only where execAllow names it', () => {
  const rules = judge('execAllow: [/opt/plugins/**]\nexpect: [/tmp/**]')
  assert.deepEqual(
    ['/opt/plugins/a/b', '/tmp/a', '/opt/plugins'].map((one) => rules.allowsExec(path(one))),
    [true, false, false],
  )
})

const PROCESSES = `processes:
  - { exe: /usr/sbin/nginx, user: www-data, required: true }
  - { exe: /usr/bin/curl, args: "-fsS http://127.*" }
  - { exe: /usr/bin/*, user: 33 }
  - { exe: /usr/sbin/sshd, required: true }
`

function process(
  exe: string | null,
  uid: number,
  user: string | null,
  args: string | null = '',
): ProcessFacts {
  return { exe: exe === null ? null : path(exe), uid, user, args }
}

const processes = [
  [process('/usr/sbin/nginx', 33, 'www-data'), 3],
  [process('/usr/sbin/nginx', 0, 'root'), null],
  [process('/usr/sbin/nginx', 33, null), null],
  [process('/usr/bin/curl', 0, 'root', '-fsS http://127.0.0.1/health check'), 4],
  [process('/usr/bin/curl', 0, 'root', '-fsS http://10.0.0.1'), null],
  [process('/usr/bin/curl', 0, 'root', 'x -fsS http://127.0.0.1'), null],
  [process('/usr/bin/curl', 0, 'root', null), 4],
  [process('/usr/bin/wget', 0, 'root', null), null],
  [process('/usr/bin/curl', 33, 'www-data', 'anything'), 5],
  [process('/tmp/usr/bin/curl', 33, 'www-data'), null],
  [process(null, 33, 'www-data'), null],
] as const

for (const [facts, line] of processes) {
  test(`a process ${facts.exe ?? 'without a file'} ${facts.args ?? '(arguments unknown)'} of ${facts.user ?? facts.uid} is ${line === null ? 'not expected' : 'expected'}`, () => {
    assert.equal(judge(PROCESSES).processes?.judge(facts)?.source.line ?? null, line)
  })
}

test('a required process is missed where none runs as it must, and only then', () => {
  const missing = (...running: ProcessFacts[]) =>
    judge(PROCESSES)
      .processes?.missing(running)
      .map(({ exe }) => exe)
  const nginx = process('/usr/sbin/nginx', 33, 'www-data')
  const sshd = process('/usr/sbin/sshd', 0, 'root')
  assert.deepEqual(missing(nginx, sshd), [])
  assert.deepEqual(missing(sshd, nginx), [])
  assert.deepEqual(missing(nginx), ['/usr/sbin/sshd'])
  assert.deepEqual(missing(process('/usr/sbin/nginx', 0, 'root'), sshd), ['/usr/sbin/nginx'])
})

test('who declares no processes has none judged', () => {
  assert.equal(judge('exec: deny').processes, null)
})
