import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { lineDiff } from './line-diff.ts'

test('a line added at the end is shown with the three before it', () => {
  assert.equal(
    lineDiff('/etc/subuid', 'a\nb\nc\nd\n', 'a\nb\nc\nd\ne\n'),
    '--- /etc/subuid\n+++ /etc/subuid\n@@ -2,3 +2,4 @@\n b\n c\n d\n+e\n',
  )
})

test('files that come and go are said to', () => {
  assert.equal(lineDiff('x', null, 'a\n'), '--- /dev/null\n+++ x\n@@ -0,0 +1,1 @@\n+a\n')
  assert.equal(lineDiff('x', 'a\n', null), '--- x\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a\n')
  assert.equal(lineDiff('x', 'a', 'a'), '')
})

test('patch(1) makes the new file of the old one and the diff', () => {
  const folder = mkdtempSync(join(tmpdir(), 'line-diff-'))
  const file = join(folder, 'f')
  const text = fc
    .array(fc.constantFrom('a', 'b', '', 'c'), { maxLength: 12 })
    .chain((lines) => fc.constantFrom(lines.join('\n'), lines.map((line) => `${line}\n`).join('')))
  try {
    fc.assert(
      fc.property(text, text, (before, after) => {
        fc.pre(before !== after && before !== '' && after !== '')
        writeFileSync(file, before)
        execFileSync('patch', ['-s', file], { input: lineDiff('f', before, after) })
        assert.equal(readFileSync(file, 'utf8'), after)
      }),
      { numRuns: 60 },
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
})
