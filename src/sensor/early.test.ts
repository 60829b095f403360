import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { createEarly } from './early.ts'

describe('what came before the engine told of its container', () => {
  test('it is done in order once the container is followed, and not before', (t) => {
    const early = createEarly(256)
    t.after(() => early.stop())
    const done: string[] = []
    for (const what of ['web 1', 'db 1', 'web 2'])
      assert.ok(early.keep(what.split(' ')[0] ?? '', () => void done.push(what)))
    assert.deepEqual(done, [])
    early.followed('web')
    assert.deepEqual(done, ['web 1', 'web 2'])
    early.followed('web')
    early.stop()
    assert.deepEqual(done, ['web 1', 'web 2', 'db 1'], 'and the rest when it ends')
  })

  test('a container that is never told of is let go after a while', (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    const start = performance.now()
    const clock = t.mock.method(performance, 'now', () => start)
    const early = createEarly(256)
    let done = 0
    early.keep('gone', () => void (done += 1))
    t.mock.timers.tick(1000)
    assert.equal(done, 0)
    clock.mock.mockImplementation(() => start + 11_000)
    t.mock.timers.tick(1000)
    assert.equal(done, 1)
    early.stop()
  })

  test('no more than 256 wait: what is beyond is left to the sweep', (t) => {
    const early = createEarly(256)
    t.after(() => early.stop())
    const kept = Array.from({ length: 300 }, (_, n) => early.keep(String(n % 7), () => undefined))
    assert.equal(kept.filter(Boolean).length, 256)
    early.followed('3')
    assert.ok(
      early.keep('3', () => undefined),
      'there is room again',
    )
  })

  test('whatever comes in whatever order: each is done once', () => {
    const step = fc.record({
      container: fc.nat(5),
      what: fc.constantFrom('keep', 'keep', 'keep', 'followed'),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 800 }), (steps) => {
        const early = createEarly(256)
        let kept = 0
        let done = 0
        for (const { container, what } of steps) {
          if (what === 'followed') early.followed(String(container))
          else if (early.keep(String(container), () => void (done += 1))) kept++
        }
        early.stop()
        assert.equal(done, kept)
      }),
      { numRuns: 100 },
    )
  })
})
