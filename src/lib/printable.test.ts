import assert from 'node:assert/strict'
import { test } from 'node:test'
import { printable } from './printable.ts'

const cases = [
  ['plain name.txt', 'plain name.txt'],
  ['two\nlines\tand\r', 'two\\nlines\\tand\\r'],
  ['\u001b[31mred\u001b[0m', '\\x1b[31mred\\x1b[0m'],
  ['\u009b31m', '\\x9b31m'],
  ['exe.\u202egnp', 'exe.\\u{202e}gnp'],
  ['zero\u200bwidth', 'zero\\u{200b}width'],
  ['back\\slash', 'back\\\\slash'],
  ['Grüße 日本 👋', 'Grüße 日本 👋'],
  ['lone \ud800', 'lone \\u{d800}'],
] as const

for (const [raw, shown] of cases) {
  test(`${JSON.stringify(raw)} is shown as ${shown}`, () => {
    assert.equal(printable(raw), shown)
  })
}
