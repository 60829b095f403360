import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearest } from './nearest.ts'

const words = ['expect', 'exec', 'execAllow', 'processes', 'match']
const cases = [
  ['expct', 'expect'],
  ['Expect', 'expect'],
  ['proceses', 'processes'],
  ['execallow', 'execAllow'],
  ['exce', 'exec'],
  ['ports', null],
  ['', null],
  ['x'.repeat(100_000), null],
] as const

for (const [typed, meant] of cases) {
  test(`${typed.slice(0, 20)} may mean ${meant ?? 'nothing'}`, () => {
    assert.equal(nearest(typed, words), meant)
  })
}
