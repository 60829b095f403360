import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { toContainer, toHost } from './id-map.ts'
import { mapOf, overlap, parseSubIds, rangesOf } from './subids.ts'

test('ranges are read as Docker reads them: blanks, comments and white space around are passed over', () => {
  const { ranges, bad } = parseSubIds('# ours\n\nalice:100000:65536\n  1000:300000:10  \n')
  assert.deepEqual(bad, [])
  assert.deepEqual(ranges, [
    { owner: 'alice', start: 100000, count: 65536, line: 3 },
    { owner: '1000', start: 300000, count: 10, line: 4 },
  ])
})

describe('a line that is no range is named, and says why', () => {
  const cases: readonly (readonly [line: string, why: RegExp])[] = [
    ['alice:100000', /it is not NAME:START:COUNT/],
    ['alice:100000:65536:1', /it is not NAME:START:COUNT/],
    [':100000:65536', /it is not NAME:START:COUNT/],
    ['alice 100000 65536', /it is not NAME:START:COUNT/],
    ['alice:1e5:65536', /the start '1e5' is no number/],
    ['alice:100000:many', /the count 'many' is no number/],
    ['alice:165536:-65536', /the range runs backwards \(count -65536\)/],
    ['alice:100000:0', /the range is empty/],
    ['alice:-1:5', /the range begins below 0/],
    ['alice:4294967290:100', /the range ends at 4294967389, and the last id is 4294967294/],
  ]
  for (const [line, why] of cases) {
    test(line, () => {
      const { ranges, bad } = parseSubIds(`bob:1:1\n${line}\n`)
      assert.equal(ranges.length, 1)
      assert.equal(bad[0]?.line, 2)
      assert.equal(bad[0].text, line)
      assert.match(bad[0].why, why)
    })
  }
})

test('several lines of a user, by name and by uid, make one map, one behind the other', () => {
  const { ranges } = parseSubIds('990:500000:10\ndockremap:200000:65536\nother:1:1\n')
  const map = mapOf(rangesOf(ranges, 'dockremap', 990))
  assert.equal(toHost(map, 0), 200000)
  assert.equal(toHost(map, 65535), 265535)
  assert.equal(toHost(map, 65536), 500000)
  assert.equal(toHost(map, 65546), null)
  assert.equal(toContainer(map, 500009), 65545)
  assert.equal(toContainer(map, 199999), null)
})

test('ranges that touch do not overlap; ranges that share one id do', () => {
  assert.equal(overlap({ start: 0, count: 10 }, { start: 10, count: 10 }), false)
  assert.equal(overlap({ start: 0, count: 11 }, { start: 10, count: 10 }), true)
  assert.equal(overlap({ start: 5, count: 1 }, { start: 0, count: 100 }), true)
})
