import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createStrangers } from './strangers.ts'

test('of a container that nobody spoke of 64 programs are read in ten seconds, whatever others do', (t) => {
  const now = t.mock.method(performance, 'now', () => 0)
  const strangers = createStrangers()
  const read = (id: string, count: number): number =>
    Array.from({ length: count }, () => strangers.isWorthReading(id)).filter(Boolean).length
  assert.equal(read('busy', 1000), 64)
  assert.equal(read('new', 10), 10)
  now.mock.mockImplementation(() => 10_001)
  assert.equal(read('busy', 1000), 64)
  assert.equal(
    Array.from({ length: 5000 }, (_, n) => strangers.isWorthReading(`c${n}`)).filter(Boolean).length,
    5000,
    'however many there are',
  )
})
