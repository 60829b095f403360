import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDuration } from './duration.ts'

test('lengths of time', () => {
  const cases = {
    '90s': 90_000,
    '10m': 600_000,
    '2h': 7_200_000,
    '1h30m': 5_400_000,
    '250ms': 250,
    '1d': 86_400_000,
  }
  for (const [text, ms] of Object.entries(cases)) assert.equal(parseDuration(text), ms)
  for (const text of ['', '0s', '10', 'm', '-5m', '1.5h', '5 m', '10m ', '9999999999999999d']) {
    assert.throws(() => parseDuration(text), /is not a length of time/)
  }
})
