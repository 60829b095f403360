import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type BytePath, bytePath, pathBytes } from '../lib/byte-path.ts'
import { compilePolicy } from './judge.ts'
import type { Policy } from './policy.ts'

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))

function policy(...globs: string[]): Policy {
  const expect = globs.map((glob, index) => ({
    glob,
    kinds: null,
    maxSizeBytes: null,
    source: { file: 'p', line: index + 1 },
  }))
  return { expect, processes: null, exec: 'alert', execAllow: [] }
}

// Any bytes that a name may hold: neither NUL nor a slash; often what stands in the patterns.
const byte = fc.oneof(
  fc.integer({ min: 1, max: 255 }).filter((code) => code !== 0x2f),
  fc.constantFrom(...Buffer.from('apidtm.*?[]\\\n-')),
)
const name = fc
  .oneof(
    fc.array(byte, { minLength: 1, maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
    fc
      .constantFrom('tmp', 'run', 'x.pid', 'x.pid.sh', '.pid', 'x.pid\n', 'pid', '*.pid')
      .map((text) => Buffer.from(text)),
  )
  .filter((bytes) => !['.', '..'].includes(bytes.toString('latin1')))
const anyPath = fc
  .array(name, { minLength: 1, maxLength: 5 })
  .map((names) => bytePath(Buffer.concat(names.flatMap((one) => [Buffer.from('/'), one]))))

/** What a few patterns mean, said in another way: by splitting bytes, without any pattern language. */
const MEANING: readonly (readonly [glob: string, means: (names: readonly string[]) => boolean])[] = [
  ['**/*.pid', (names) => names.at(-1)?.endsWith('.pid') === true],
  ['/run/*.pid', (names) => names.length === 2 && names[0] === 'run' && names[1]?.endsWith('.pid') === true],
  ['/tmp/**', (names) => names.length > 1 && names[0] === 'tmp'],
  ['/tmp/x.pid', (names) => names.join('/') === 'tmp/x.pid'],
  ['/tmp/**/x.pid', (names) => names.length > 1 && names[0] === 'tmp' && names.at(-1) === 'x.pid'],
  ['/*/?.pid', (names) => names.length === 2 && names[1]?.length === 5 && names[1].endsWith('.pid')],
  [
    '/[a-t]*/*.*',
    (names) => names.length === 2 && /^[a-t]/.test(names[0] ?? '') && (names[1] ?? '').includes('.'),
  ],
]

test('a pattern means the same of any bytes: anchored at both ends, a name at a time', () => {
  const judges = MEANING.map(([glob, means]) => ({ glob, means, judge: compilePolicy(policy(glob)) }))
  let met = 0
  fc.assert(
    fc.property(anyPath, (path) => {
      const names = path.slice(1).split('/')
      for (const { glob, means, judge } of judges) {
        const { expected } = judge.judge({ path, kind: 'added', sizeBytes: 1 })
        assert.equal(expected, means(names), `${glob} ${pathBytes(path).toString('hex')}`)
        if (expected) met++
      }
    }),
    { seed, numRuns: 3000 },
  )
  assert.ok(met > 300, `too few matches to mean anything: ${met}`)
})

test('the quick answers of a scan are those of the judge: by name, and for a whole folder', () => {
  const globs = MEANING.map(([glob]) => glob)
  const judge = compilePolicy(policy(...globs))
  fc.assert(
    fc.property(anyPath, name, (folder, below) => {
      const path = `${folder}/${below.toString('latin1')}` as BytePath
      const judged = judge.judge({ path, kind: 'deleted', sizeBytes: null })
      assert.deepEqual(judge.judgeName(path), judged)
      if (judge.expectsWholeSubtree(folder)) assert.equal(judged.expected, true)
    }),
    { seed, numRuns: 3000 },
  )
})

test('what is put behind a name that is expected, before it or below it is not expected by that', () => {
  const judge = compilePolicy(policy('**/*.pid', '/run/app.sock'))
  fc.assert(
    fc.property(anyPath, name, (folder, tail) => {
      const more = tail.toString('latin1')
      for (const path of [
        `${folder}/x.pid${more}`,
        `/run/app.sock${more}`,
        `${folder}/run/app.sock`,
        `${folder}/x.pid/${more}`,
      ]) {
        if (path.endsWith('.pid')) continue
        assert.equal(
          judge.judge({ path: path as BytePath, kind: 'added', sizeBytes: 1 }).expected,
          false,
          path,
        )
      }
    }),
    { seed, numRuns: 3000 },
  )
})
