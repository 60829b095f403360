import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readLabels } from './labels.ts'
import { problemText } from './problem.ts'
import { policyOf } from './store.ts'
import { readPolicyText } from './file.ts'

function read(labels: Record<string, string>, image: Record<string, string> | null = {}) {
  const { declaration, problems } = readLabels(labels, image)
  return {
    globs: declaration?.expect.map(({ glob }) => glob) ?? [],
    exec: declaration?.exec ?? null,
    problems: problems.map(problemText),
  }
}

const good = [
  ['/a/**', ['/a/**']],
  ['/a/**, /b', ['/a/**', '/b']],
  ['/a\n/b\n\n', ['/a', '/b']],
  ['["/a,b", {"path": "/c", "kinds": ["added"], "maxSize": "1KiB"}]', ['/a,b', '/c']],
  ['', []],
] as const

for (const [label, globs] of good) {
  test(`paddock.expect ${JSON.stringify(label)}`, () => {
    assert.deepEqual(read({ 'paddock.expect': label }), { globs, exec: null, problems: [] })
  })
}

const bad = [
  [
    '/a, b',
    "label paddock.expect:2:3: error: the pattern 'b' cannot be used: it is not anchored; write '/b' for that path in the container, or '**/b' for that name in every folder",
  ],
  ['[{"pth": "/a"}]', "label paddock.expect:1:3: error: unknown key 'pth'; write 'path'"],
  ['["/a"], "exec": "alert"', 'label paddock.expect:1:7: error: Unexpected scalar token'],
  ['x'.repeat(70_000), 'label paddock.expect: error: is longer than 64 KiB; write a policy file'],
] as const

for (const [label, problem] of bad) {
  test(`paddock.expect ${JSON.stringify(label.slice(0, 30))} is an error, and nothing is expected`, () => {
    assert.deepEqual(read({ 'paddock.expect': label }), { globs: [], exec: null, problems: [problem] })
  })
}

test('what the image says is never expected, and only forbids', () => {
  const image = { 'paddock.expect': '/**', 'paddock.exec': 'alert' }
  const { globs, exec, problems } = read({ ...image }, image)
  assert.deepEqual([globs, exec], [[], null])
  assert.deepEqual(problems, [
    'label paddock.expect: warning: is passed over: it comes from the image; declare it in a policy file',
    'label paddock.exec: warning: is passed over: it comes from the image; declare it in a policy file',
  ])
  assert.deepEqual(read({ 'paddock.exec': 'deny' }, { 'paddock.exec': 'deny' }).exec, 'deny')
})

test('what overrides the label of an image was said by who started the container', () => {
  assert.deepEqual(read({ 'paddock.expect': '/run/x' }, { 'paddock.expect': '/**' }).globs, ['/run/x'])
})

test('where the labels of the image are not known, none is believed', () => {
  assert.deepEqual(read({ 'paddock.expect': '/run/x' }, null), {
    globs: [],
    exec: null,
    problems: ["label paddock.expect: warning: is passed over: the image's own labels are not known"],
  })
})

test('a label cannot lift the deny of a file', () => {
  const { declaration } = readPolicyText('web.yaml', 'match: { container: web }\nexec: deny\n')
  assert.ok(declaration)
  const container = { name: 'web', image: 'web', labels: { 'paddock.exec': 'alert' } }
  assert.equal(policyOf(container, {}, [declaration]).policy.exec, 'deny')
  assert.equal(
    policyOf(container, {}, [], 'deny').policy.exec,
    'alert',
    'but what nobody declared gives way to it',
  )
})

test('an exec mode that is none is an error', () => {
  assert.deepEqual(read({ 'paddock.exec': 'off\u001b[2J' }).problems, [
    "label paddock.exec: error: cannot be 'off\\x1b[2J'; write 'alert' or 'deny'",
  ])
})

test('a misspelt label is told', () => {
  assert.deepEqual(read({ 'paddock.expcet': '/a' }).problems, [
    "label paddock.expcet: warning: is no label of Paddock; write 'paddock.expect'",
  ])
})

test('ten thousand labels are read like one', () => {
  const labels = Object.fromEntries(
    Array.from({ length: 10_000 }, (_, index) => [`paddock.e${index}`, 'x'.repeat(100)]),
  )
  assert.deepEqual(read({ ...labels, 'paddock.expect': '/a' }).globs, ['/a'])
})

test('no label makes the reader throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.boolean(), (text, list) => {
      read({ 'paddock.expect': list ? `[${text}` : text, 'paddock.exec': text })
    }),
    { numRuns: 1000 },
  )
})
