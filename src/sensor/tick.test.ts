import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onTick, TICK_MS } from './tick.ts'

test('all that is done again and again is done together, until it is ended', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const done: string[] = []
  const endFirst = onTick(() => done.push('first'))
  t.mock.timers.tick(TICK_MS / 2)
  const endLater = onTick(() => done.push('later'))
  t.mock.timers.tick(TICK_MS / 2)
  assert.deepEqual(done, ['first', 'later'])
  endLater()
  t.mock.timers.tick(TICK_MS)
  assert.deepEqual(done, ['first', 'later', 'first'])
  endFirst()
  t.mock.timers.tick(TICK_MS * 3)
  assert.equal(done.length, 3)
})

test('what is due less often is done with all else', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const done: string[] = []
  const ends = [onTick(() => done.push('each')), onTick(() => done.push('second'), 2 * TICK_MS)]
  t.mock.timers.tick(4 * TICK_MS)
  assert.deepEqual(done.toSorted(), ['each', 'each', 'each', 'each', 'second', 'second'])
  for (const end of ends) end()
})

test('what is ended by another of the same moment is not done any more', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const ends: (() => void)[] = []
  ends.push(onTick(() => ends[1]?.()))
  ends.push(onTick(() => assert.fail('it was ended')))
  t.mock.timers.tick(TICK_MS)
  for (const end of ends) end()
})
