import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readPolicyText } from './file.ts'
import { problemText } from './problem.ts'
import { parseSize } from './size.ts'

function problemsOf(text: string): string[] {
  return readPolicyText('web.yaml', text).problems.map(problemText)
}

const WHOLE = `match: { container: web, image: "herd/web:*" }   # a comment
expect:
  - /var/log/nginx/**
  - { path: /run/nginx.pid, kinds: [added, modified], maxSize: 1KiB }
processes:
  - { exe: /usr/sbin/nginx, user: www-data, required: true }
  - { exe: /usr/bin/curl, user: 33, args: "-fsS http://127.*" }
exec: deny
execAllow: [/var/lib/app/plugins/**]
`

test('the whole grammar is read, every rule with its line', () => {
  const { declaration, problems } = readPolicyText('web.yaml', WHOLE)
  assert.deepEqual(problems, [])
  const at = (line: number) => ({ file: 'web.yaml', line })
  assert.deepEqual(declaration?.expect, [
    { glob: '/var/log/nginx/**', kinds: null, maxSizeBytes: null, source: at(3) },
    { glob: '/run/nginx.pid', kinds: new Set(['added', 'modified']), maxSizeBytes: 1024, source: at(4) },
  ])
  assert.deepEqual(declaration.processes, [
    { exe: '/usr/sbin/nginx', user: 'www-data', args: null, required: true, source: at(6) },
    { exe: '/usr/bin/curl', user: '33', args: '-fsS http://127.*', required: false, source: at(7) },
  ])
  assert.equal(declaration.exec, 'deny')
  assert.deepEqual(declaration.execAllow, [{ glob: '/var/lib/app/plugins/**', source: at(9) }])
})

const M = 'match: { container: web }\n'

const bad = [
  ['an unknown key', `${M}expct:\n  - /a\n`, "web.yaml:2:1: error: unknown key 'expct'; write 'expect'"],
  [
    'a key of Object',
    `${M}toString: 1\n`,
    "web.yaml:2:1: error: unknown key 'toString'; write one of match, expect, processes, exec, execAllow",
  ],
  ['a key that is a map', `${M}? {a: b}\n: c\n`, 'web.yaml:2:3: error: a key is a plain word'],
  [
    'no match',
    'expect: [/a]\n',
    `web.yaml:1:1: error: 'match' is missing; say whom it speaks of: match: { container: web }, or { container: "*" } for all`,
  ],
  [
    'an empty match',
    'match: {}\n',
    'web.yaml:1:8: error: match names neither a container nor an image; write { container: web }, or { container: "*" } for all',
  ],
  [
    'a slash in a name',
    'match: { container: /web }\n',
    "web.yaml:1:21: error: the pattern '/web' cannot be used: it holds a '/'; a container's name has none",
  ],
  [
    'a glob that is not anchored',
    `${M}expect:\n  - var/log\n`,
    "web.yaml:3:5: error: the pattern 'var/log' cannot be used: it is not anchored; write '/var/log' for that path in the container, or '**/var/log' for that name in every folder",
  ],
  [
    'stars without quotes',
    `${M}expect:\n  - **/x\n`,
    "web.yaml:3:5: error: it is an alias; write it out; a pattern that begins with '*' needs quotes",
  ],
  [
    'a kind',
    `${M}expect: [{ path: /a, kinds: [add] }]\n`,
    "web.yaml:2:30: error: a kind cannot be 'add'; write one of added, modified, deleted, metadata, replaced",
  ],
  [
    'a misspelt kind',
    `${M}expect: [{ path: /a, kinds: [modifed] }]\n`,
    "web.yaml:2:30: error: a kind cannot be 'modifed'; write 'modified'",
  ],
  [
    'no kinds at all',
    `${M}expect: [{ path: /a, kinds: [] }]\n`,
    'web.yaml:2:29: error: kinds is an empty list; leave it out for every kind',
  ],
  [
    'a size',
    `${M}expect: [{ path: /a, maxSize: 1Kb }]\n`,
    "web.yaml:2:31: error: '1Kb' is not a size; write bytes, or as 1KiB, 10MB",
  ],
  [
    'a negative size',
    `${M}expect: [{ path: /a, maxSize: -1 }]\n`,
    "web.yaml:2:31: error: '-1' is not a size; write bytes, or as 1KiB, 10MB",
  ],
  [
    'no path',
    `${M}expect: [{ kinds: [added] }]\n`,
    "web.yaml:2:10: error: 'path' is missing; write { path: /run/x.pid }",
  ],
  [
    'no exe',
    `${M}processes: [{ user: root }]\n`,
    "web.yaml:2:13: error: 'exe' is missing; write { exe: /usr/sbin/nginx }",
  ],
  [
    'an exec mode',
    `${M}exec: block\n`,
    "web.yaml:2:7: error: exec cannot be 'block'; write one of alert, deny",
  ],
  [
    'yes for true',
    `${M}processes: [{ exe: /a, required: yes }]\n`,
    "web.yaml:2:34: error: required cannot be 'yes'; write one of true, false",
  ],
  [
    'a text for a list',
    `${M}expect: /a\n`,
    "web.yaml:2:9: error: expect is a list, not '/a'; begin each item with '- '",
  ],
  ['a list for a text', `${M}exec: [deny]\n`, 'web.yaml:2:7: error: exec is a text, not a list'],
  [
    'a list for a map',
    '- /a\n',
    'web.yaml:1:1: error: a policy is a map of match, expect, processes, exec and execAllow, not a list',
  ],
  [
    'a key without a value',
    `${M}expect:\nexec: deny\n`,
    "web.yaml:2:1: error: 'expect' has no value; give it one or leave it out",
  ],
  [
    'the same key twice',
    `${M}exec: deny\nexec: alert\n`,
    "web.yaml:3:1: error: 'exec' stands twice; join the two",
  ],
  ['a tab', `${M}expect:\n\t- /a\n`, 'web.yaml:3:1: error: a tab indents this line; indent with spaces'],
  [
    'an alias',
    `${M}expect: &a\n  - /a\nexecAllow: *a\n`,
    "web.yaml:4:12: error: it is an alias; write it out; a pattern that begins with '*' needs quotes",
  ],
  [
    'a cycle',
    `${M}expect: &a\n  - *a\n`,
    "web.yaml:3:5: error: it is an alias; write it out; a pattern that begins with '*' needs quotes",
  ],
  [
    'a merge key',
    `<<: &a { exec: deny }\n${M}`,
    "web.yaml:1:1: error: unknown key '<<'; write one of match, expect, processes, exec, execAllow",
  ],
  [
    'two documents',
    `${M}---\n${M}`,
    'web.yaml:2:1: error: there is more than one document; write one policy a file',
  ],
  [
    'a tag',
    `${M}exec: !!js/function deny\n`,
    'web.yaml:2:7: error: Unresolved tag: tag:yaml.org,2002:js/function',
  ],
  ['nothing', '', 'web.yaml: error: is empty; write match and expect, or delete it'],
  ['only comments', '# nothing\n', 'web.yaml: error: is empty; write match and expect, or delete it'],
  [
    'a terminal escape',
    `${M}"\\e[2J": 1\n`,
    "web.yaml:2:1: error: unknown key '\\x1b[2J'; write one of match, expect, processes, exec, execAllow",
  ],
] as const

for (const [what, text, message] of bad) {
  test(`${what} is an error with its place and what was meant`, () => {
    assert.deepEqual(problemsOf(text), [message])
    assert.equal(readPolicyText('web.yaml', text).declaration, null)
  })
}

test('one wrong rule leaves the whole file without effect, and all that is wrong is told', () => {
  const file = readPolicyText('web.yaml', `${M}expect: [/a, b, /c/]\nexec: Deny\n`)
  assert.equal(file.declaration, null)
  assert.deepEqual(
    file.problems.map(({ line, column }) => [line, column]),
    [
      [2, 14],
      [2, 17],
      [3, 7],
    ],
  )
})

test('ten thousand unknown keys give fifty problems and one that says there are more', () => {
  const text = M + Array.from({ length: 10_000 }, (_, index) => `key${index}: 1\n`).join('')
  const problems = problemsOf(text)
  assert.equal(problems.length, 51)
  assert.equal(problems.at(-1), 'web.yaml: error: and more of the kind')
})

test('more than ten thousand rules are refused', () => {
  const text = `${M}expect:\n${'- /a\n'.repeat(10_001)}`
  assert.deepEqual(problemsOf(text), [
    'web.yaml:3:1: error: expect has more than 10000 items; join them by patterns',
  ])
})

const bombs = {
  'nested lists': '['.repeat(200_000),
  'nested maps': '{a: '.repeat(50_000),
  'nested block lists': '- '.repeat(100_000),
  'a billion laughs': [
    'a: &a [x]',
    ...Array.from({ length: 26 }, (_, i) => `b${i}: &b${i} [*a, *a, *a, *a, *a]`),
  ].join('\n'),
  'many anchors': Array.from({ length: 20_000 }, (_, i) => `- &a${i} *a${i}`).join('\n'),
  'a long key': `${'k'.repeat(500_000)}: 1`,
  'a long line of quotes': '"'.repeat(200_000),
}

for (const [what, text] of Object.entries(bombs)) {
  test(`${what}: refused, not endless`, () => {
    const file = readPolicyText('web.yaml', text)
    assert.equal(file.declaration, null)
    assert.ok(file.problems.length > 0)
  })
}

test('no text makes the reader throw', () => {
  const piece = fc.constantFrom(
    'match',
    'expect',
    ': ',
    '- ',
    '\n',
    '  ',
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    '&a ',
    '*a',
    '|',
    '>',
    '!!int ',
    '\t',
    '/a/**',
    '%',
    '---',
    '...',
    '#',
    '0x',
    '\0',
    '\u001b',
    '? ',
    ',',
    'null',
    '~',
  )
  fc.assert(
    fc.property(
      fc.array(fc.oneof(piece, fc.string({ unit: 'binary', maxLength: 3 })), { maxLength: 30 }),
      (pieces) => {
        const file = readPolicyText('web.yaml', pieces.join(''))
        assert.equal(
          file.declaration === null,
          file.problems.some(({ level }) => level === 'error'),
        )
      },
    ),
    { numRuns: 2000 },
  )
})

const sizes = [
  ['0', 0],
  ['512', 512],
  ['1KiB', 1024],
  ['1kB', 1000],
  ['1KB', 1000],
  ['1.5 MiB', 1572864],
  ['10MB', 10_000_000],
  ['2TiB', 2 * 2 ** 40],
  ['5B', 5],
  ['1K', null],
  ['', null],
  ['MB', null],
  ['1e3', null],
  ['-5', null],
  ['0x10', null],
  ['9999TiB', null],
  ['1  MB', null],
  ['1toString', null],
] as const

for (const [text, bytes] of sizes) {
  test(`the size '${text}' is ${bytes ?? 'none'}`, () => {
    assert.equal(parseSize(text), bytes)
  })
}
