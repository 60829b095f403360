import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { inOrder, type Say } from './in-order.ts'

interface Job {
  readonly say: Say
  readonly over: () => void
}

/** Runs jobs whose words and ends the test decides. */
function jobs(count: number, atOnce: number) {
  const started = new Map<number, Job>()
  const written: string[] = []
  const items = Array.from({ length: count }, (_, index) => index)
  const all = inOrder(items, {
    atOnce,
    separator: ',',
    write: (text) => void written.push(text),
    job: (item, say) =>
      new Promise((resolve) => {
        started.set(item, { say, over: resolve })
      }),
  })
  const job = (index: number) => {
    const one = started.get(index)
    assert.ok(one, `job ${index} is not started`)
    return one
  }
  return { all, job, started, text: () => written.join('') }
}

test('a slow job holds back the words of the others, not their work, and the order stays', async () => {
  const { all, job, started, text } = jobs(4, 2)
  await job(1).say('b')
  job(1).over()
  await setImmediate()
  await job(2).say('c')
  job(2).over()
  await setImmediate()
  assert.deepEqual([...started.keys()], [0, 1, 2, 3], 'the first is not over, and all others were begun')
  assert.equal(text(), '')
  await job(0).say('a')
  assert.equal(text(), 'a', 'whose turn it is speaks at once')
  await job(0).say('A')
  job(0).over()
  await setImmediate()
  assert.equal(text(), 'aA,b,c')
  await job(3).say('d')
  job(3).over()
  await all
  assert.equal(text(), 'aA,b,c,d')
})

test('one that says nothing leaves no separator, first, in the middle or last', async () => {
  const { all, job, text } = jobs(5, 5)
  await job(3).say('d')
  await job(1).say('b')
  for (const index of [0, 1, 2, 3, 4]) job(index).over()
  await all
  assert.equal(text(), 'b,d')
})

test('one with much to say waits for its turn, so that memory stays bounded', async () => {
  const { all, job, text } = jobs(2, 2)
  const long = 'x'.repeat(300_000)
  let said = 0
  const talking = (async () => {
    for (; said < 20; said++) await job(1).say(long)
    job(1).over()
  })()
  await setImmediate()
  assert.ok(said < 4, `${said} times 300 kB were taken`)
  job(0).over()
  await talking
  await all
  assert.equal(text().length, 20 * long.length)
})

test('what is said while held words are being written comes behind them', async () => {
  const written: string[] = []
  await inOrder([0, 1, 2], {
    atOnce: 3,
    separator: ',',
    // A slow reader.
    write: async (text) => {
      written.push(text)
      await setImmediate()
    },
    async job(item, say) {
      await say(`${item}a`)
      if (item === 0) await setImmediate()
      await say(`${item}b`)
    },
  })
  assert.equal(written.join(''), '0a0b,1a1b,2a2b')
})
