import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Written } from './kernel/messages.ts'
import { createStrays } from './strays.ts'

const written = (inode: number): Written => ({ inode }) as Written

test('what waits is handed out once, in order', () => {
  const strays = createStrays()
  for (const inode of [1, 2, 3]) assert.ok(strays.keep(written(inode)))
  assert.deepEqual(strays.take(), [1, 2, 3].map(written))
  assert.deepEqual(strays.take(), [])
})

test('what waited in vain is let go of, and what came later waits on', () => {
  let now = 0
  const strays = createStrays(() => now)
  strays.keep(written(1))
  now = 1500
  strays.keep(written(2))
  assert.deepEqual(strays.takeOld(), [])
  now = 2500
  assert.deepEqual(strays.takeOld(), [written(1)])
  assert.deepEqual(strays.takeOld(), [])
  assert.deepEqual(strays.take(), [written(2)])
})

test('only so many wait: each holds a descriptor', () => {
  const strays = createStrays()
  const kept = Array.from({ length: 1000 }, (_, inode) => strays.keep(written(inode)))
  assert.equal(kept.filter(Boolean).length, 64)
  strays.take()
  assert.ok(strays.keep(written(0)))
})
