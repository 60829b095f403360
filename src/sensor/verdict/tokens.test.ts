import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createTokens } from './tokens.ts'

test('so many at once, and as many again each second, however they are asked for', () => {
  const steps = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 500 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), steps, (perSecond, pauses) => {
      let ms = 0
      const tokens = createTokens(perSecond, () => ms)
      let taken = 0
      for (const pause of pauses) {
        ms += pause
        if (tokens.take()) taken++
        assert.ok(taken <= perSecond + (ms / 1000) * perSecond + 1e-6)
      }
      ms += 1000
      assert.ok(tokens.take(), 'there is one again after a second')
    }),
  )
})
