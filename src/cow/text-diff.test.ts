import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { diffLines, type Hunk, isText } from './text-diff.ts'

test('an added line in /etc/passwd is seen at a glance', () => {
  const was = 'root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/false\n'
  assert.deepEqual(diffLines(was, `${was}toor:x:0:0::/:/bin/sh\n`), [
    {
      wasStart: 1,
      wasLines: 2,
      nowStart: 1,
      nowLines: 3,
      lines: [
        ' root:x:0:0::/root:/bin/sh',
        ' www-data:x:33:33::/var/www:/bin/false',
        '+toor:x:0:0::/:/bin/sh',
      ],
    },
  ])
})

test('a text that came, that went, that has no line break at its end, that is empty', () => {
  assert.deepEqual(diffLines(null, 'a\nb'), [
    {
      wasStart: 0,
      wasLines: 0,
      nowStart: 1,
      nowLines: 2,
      lines: ['+a', '+b', '\\ No newline at end of file'],
    },
  ])
  assert.deepEqual(diffLines('a\n', null), [
    { wasStart: 1, wasLines: 1, nowStart: 0, nowLines: 0, lines: ['-a'] },
  ])
  assert.deepEqual(diffLines(null, ''), [])
})

test('what differs in more than a person would read is not told line by line', () => {
  const lines = (salt: number) => Array.from({ length: 100_000 }, (_, index) => `${index * salt}\n`).join('')
  assert.equal(diffLines(lines(3), lines(7)), null)
})

test('bytes with a NUL among them are no text', () => {
  assert.equal(isText(Buffer.from('a\xff\x1b', 'latin1')), true)
  assert.equal(isText(Buffer.from('a\0b')), false)
})

/** As git reads it. */
function patchText(file: string, hunks: readonly Hunk[]): string {
  const bodies = hunks.map(
    ({ wasStart, wasLines, nowStart, nowLines, lines }) =>
      `@@ -${wasStart},${wasLines} +${nowStart},${nowLines} @@\n${lines.join('\n')}\n`,
  )
  return hunks.length === 0 ? '' : `--- ${file}\n+++ ${file}\n${bodies.join('')}`
}

test('git applies the diff of any two texts, and the one becomes the other', () => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  const folder = mkdtempSync(join(tmpdir(), 'paddock-diff-'))
  try {
    const line = fc.constantFrom('a', 'b', 'c', '', '+x', '-y', '\\ z', ' w', '\xff\xfe', '\x1b[2J', 'é')
    const text = fc
      .tuple(fc.array(line, { minLength: 1, maxLength: 12 }), fc.boolean())
      .map(([lines, closed]) => lines.join('\n') + (closed ? '\n' : ''))
      .filter((content) => content !== '')
    const pairs = fc.sample(fc.tuple(text, text), { numRuns: 500, seed })
    const patch = pairs.map(([was, now], index) => {
      writeFileSync(join(folder, `f${index}`), was, 'latin1')
      const hunks = diffLines(was, now)
      assert.ok(hunks)
      return patchText(`f${index}`, hunks)
    })
    const git = ['apply', '--unsafe-paths', '--whitespace=nowarn', '-p0', '-']
    execFileSync('git', git, { cwd: folder, input: Buffer.from(patch.join(''), 'latin1') })
    for (const [index, [was, now]] of pairs.entries())
      assert.equal(
        readFileSync(join(folder, `f${index}`), 'latin1'),
        now,
        `SEED=${seed}: ${JSON.stringify(was)}`,
      )
  } finally {
    rmSync(folder, { recursive: true })
  }
})
