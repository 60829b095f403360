import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { findNeeded } from './bisect.ts'

test('it finds exactly what is needed, whatever lies between', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 300 }),
      fc.array(fc.nat(), { minLength: 1, maxLength: 5 }),
      async (length, picks) => {
        const needed = new Set(picks.map((pick) => pick % length))
        const all = Array.from({ length }, (_, index) => index)
        let tries = 0
        const passes = (kept: readonly number[]) => {
          tries++
          return Promise.resolve([...needed].every((each) => kept.includes(each)))
        }
        const found = await findNeeded(all, passes, 1000)
        assert.deepEqual(new Set(found), needed)
        assert.ok(tries <= 1 + needed.size * (Math.ceil(Math.log2(length)) + 1), `${tries} tries`)
      },
    ),
  )
})

test('either of two will do: it names one', async () => {
  const found = await findNeeded(
    ['a', 'b', 'c'],
    (kept) => Promise.resolve(kept.some((each) => each !== 'b')),
    50,
  )
  assert.deepEqual(found, ['a'])
})

test('it says so where all of it together is not enough, and gives up after so many tries', async () => {
  assert.equal(await findNeeded([1, 2, 3], () => Promise.resolve(false), 50), null)
  assert.equal(await findNeeded([], () => Promise.resolve(true), 50), null)
  let tries = 0
  const passes = (kept: readonly number[]) => {
    tries++
    return Promise.resolve(kept.includes(0) && kept.includes(900))
  }
  assert.equal(
    await findNeeded(
      Array.from({ length: 1000 }, (_, index) => index),
      passes,
      8,
    ),
    null,
  )
  assert.equal(tries, 8)
})
