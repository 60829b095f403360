import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { type BytePath, bytePathFromText, pathBytes } from '../lib/byte-path.ts'
import { compileGlob } from './glob.ts'
import { compileTree } from './match-tree.ts'
import { GlobError } from './segment.ts'

function matches(pattern: string, path: string): boolean {
  return compileTree([compileGlob(pattern)]).matchesPath(bytePathFromText(path)).length > 0
}

const cases = [
  ['/var/log/nginx/**', '/var/log/nginx/access.log', true],
  ['/var/log/nginx/**', '/var/log/nginx/a/b/.c', true],
  ['/var/log/nginx/**', '/var/log/nginx', false],
  ['/var/log/nginx/**', '/var/log/nginx2/access.log', false],
  ['/run/*.pid', '/run/nginx.pid', true],
  ['/run/*.pid', '/run/.pid', true],
  ['**/*.pid', '/tmp/x.pid.sh', false],
  ['**/*.pid', '/x.pid', true],
  ['/**/*.pid', '/run/deep/x.pid', true],
  ['/run/*.pid', '/run/deep/x.pid', false],
  ['/tmp/x', '/tmp/x/y', false],
  ['/tmp/x', '/TMP/x', false],
  ['/a/**/z', '/a/z', true],
  ['/a/**/z', '/a/b/c/z', true],
  ['/a/**/m/**/z', '/a/m/x/m/y/z', true],
  ['/a/*b*b*', '/a/xbxb', true],
  ['/a/*b*b', '/a/b', false],
  ['/a/?', '/a/\n', true],
  ['/a/??', '/a/é', true],
  ['/a/?', '/a/é', false],
  ['/a/é*', '/a/éa', true],
  ['/a/\\*', '/a/*', true],
  ['/a/\\*', '/a/b', false],
  ['/a/\\d', '/a/7', false],
  ['/a/[\\d]', '/a/7', false],
  ['/a/[\\\\d]', '/a/\\', true],
  ['/a/{b,c}', '/a/b', false],
  ['/a/{b,c}', '/a/{b,c}', true],
  ['/a/+(b)', '/a/bb', false],
  ['/a/(b|c)', '/a/b', false],
  ['/a/"b"', '/a/b', false],
  ['/', '/', true],
  ['/**', '/', false],
  ['/**', '/.hidden', true],
] as const

for (const [pattern, path, expected] of cases) {
  test(`${pattern} ${expected ? 'matches' : 'does not match'} ${JSON.stringify(path)}`, () => {
    assert.equal(matches(pattern, path), expected)
  })
}

const bad = [
  ['*.pid', /not anchored/, /'\/\*\.pid' .* '\*\*\/\*\.pid'/],
  ['var/log/x', /not anchored/, /'\/var\/log\/x'/],
  ['!/tmp/x', /taken out/, /leave out/],
  ['/var/log/', /ends in/, /'\/var\/log\/\*\*'/],
  ['/var//log', /nothing between/, /ls/],
  ['/var/../log', /'\.\.'/, /ls/],
  ['/tmp/**.log', /stand alone/, /'\*'/],
  ['/tmp/***', /stand alone/, /'\*'/],
  ['/tmp/[ab', /no ']'/, /\\\[/],
  ['/tmp/[a/b]', /no ']'/, /\\\[/],
  ['/tmp/[z-a]', /no character/, /low to high/],
  ['/tmp/[é]', /more than one byte/, /byte by byte/],
  ['/tmp/a\\', /single/, /backslash/],
  ['/tmp/\0', /NUL/, /no file name/],
  [`/${'a'.repeat(5000)}`, /longer than 4096/, /split/],
] as const

for (const [pattern, message, hint] of bad) {
  test(`${JSON.stringify(pattern.slice(0, 20))} is refused, with what was meant`, () => {
    assert.throws(
      () => compileGlob(pattern),
      (error) => error instanceof GlobError && message.test(error.message) && hint.test(error.hint),
    )
  })
}

// git is the authority on gitignore's wildcards: its attributes match one path by the very same rules, without
// a folder's rule reaching what is in it.
test('a pattern matches what git says it does, and a tree of many what each alone does', () => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  const text = fc.array(fc.constantFrom('a', 'b', 'a', 'b', '.', '-', '1', '\u00e9', ']', '^'), {
    minLength: 1,
    maxLength: 4,
  })
  const wild = fc.array(
    fc.constantFrom(
      'a',
      'b',
      '*',
      '*',
      '?',
      '.',
      '1',
      '\u00e9',
      '[ab]',
      '[!a]',
      '[^b1]',
      '[]a]',
      '[!]a]',
      '[a-z]',
      '[[:digit:]]',
      '[![:alpha:]]',
      '[a-]',
      '\\*',
      '\\a',
      '[\\]]',
      '[\\d]',
    ),
    { minLength: 1, maxLength: 5 },
  )
  const name = text.map((parts) => parts.join('')).filter((value) => value !== '.' && value !== '..')
  const part = fc.oneof(
    { weight: 3, arbitrary: wild.map((parts) => parts.join('')) },
    name,
    fc.constant('**'),
  )
  const patterns = fc
    .sample(fc.array(part, { minLength: 1, maxLength: 4 }), { numRuns: 500, seed })
    .map((parts) => `/${parts.join('/')}`)
    .filter((pattern) => isGood(pattern))
  const paths = [
    ...new Set(
      fc
        .sample(fc.array(name, { minLength: 1, maxLength: 4 }), { numRuns: 300, seed: seed + 1 })
        .map((names) => bytePathFromText(`/${names.join('/')}`)),
    ),
  ]
  const expected = gitMatches(patterns, paths)
  const tree = compileTree(patterns.map(compileGlob))
  const single = patterns.map((pattern) => compileTree([compileGlob(pattern)]))
  let positive = 0
  for (const [at, path] of paths.entries()) {
    const ours = [...tree.matchesPath(path)].sort((a, b) => a - b)
    const alone = single.flatMap((one, index) => (one.matchesPath(path).length > 0 ? [index] : []))
    assert.deepEqual(ours, alone, `SEED=${seed}: ${path}`)
    const theirs = expected[at] ?? []
    const differing = [...new Set(ours).symmetricDifference(new Set(theirs))].map((index) => patterns[index])
    assert.deepEqual(differing, [], `SEED=${seed}: ${path}`)
    positive += ours.length
  }
  assert.ok(positive > 200, `too few matches to mean anything: ${positive}`)
})

function isGood(pattern: string): boolean {
  try {
    compileGlob(pattern)
    return true
  } catch (error) {
    if (error instanceof GlobError) return false
    throw error
  }
}

/** Which patterns git finds to match each path. */
function gitMatches(patterns: readonly string[], paths: readonly BytePath[]): number[][] {
  const folder = mkdtempSync(join(tmpdir(), 'paddock-glob-'))
  try {
    const git = (args: string[], input = Buffer.alloc(0)) => {
      const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' }
      const result = spawnSync('git', args, { cwd: folder, input, env, maxBuffer: 2 ** 30 })
      assert.equal(result.status, 0, `this test needs git: ${String(result.error ?? result.stderr)}`)
      return result.stdout
    }
    git(['init', '-q'])
    writeFileSync(
      join(folder, '.gitattributes'),
      patterns.map((pattern, index) => `${JSON.stringify(pattern)} p${index}\n`).join(''),
    )
    const input = Buffer.concat(paths.flatMap((path) => [pathBytes(path).subarray(1), Buffer.from([0])]))
    const fields = git(['check-attr', '-z', '--stdin', '-a'], input).toString('latin1').split('\0')
    const found = new Map<string, number[]>(paths.map((path) => [path.slice(1), []]))
    for (let at = 0; at + 2 < fields.length; at += 3)
      found.get(fields[at] ?? '')?.push(Number(fields[at + 1]?.slice(1)))
    return paths.map((path) => found.get(path.slice(1)) ?? [])
  } finally {
    rmSync(folder, { recursive: true })
  }
}
