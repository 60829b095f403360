import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { severities } from '../policy/severity.ts'
import { createFold } from './fold.ts'
import type { NewFinding } from './ports.ts'

function finding(group: string, more: Partial<NewFinding> = {}): NewFinding {
  return {
    kind: 'change',
    source: 'fanotify',
    severity: 'low',
    reasons: [],
    summary: 'a file',
    container: null,
    group,
    count: 1,
    ...more,
  }
}

/** A fold whose clock and flushes are the test's. */
function folding() {
  const told: NewFinding[] = []
  const clock = { ms: 0 }
  const fold = createFold({ emit: (one) => void told.push(one) }, () => clock.ms)
  return { told, clock, fold }
}

const sum = (told: readonly NewFinding[]) => told.reduce((all, { count }) => all + count, 0)

describe('folding of bursts', () => {
  test("a build tool's ten thousand files are one growing group, told by the worst of each second", (t) => {
    const { told, clock, fold } = folding()
    t.after(() => fold.stop())
    for (let n = 0; n < 10_000; n++) {
      if (n % 1000 === 0) {
        clock.ms += 1000
        fold.flush()
      }
      fold.emit(finding('web:change:7.1', n === 5500 ? { severity: 'critical', summary: 'a program' } : {}))
    }
    fold.flush()
    assert.equal(sum(told), 10_000)
    assert.ok(told.length <= 20 + 10, String(told.length))
    const worst = told.find(({ severity }) => severity === 'critical')
    assert.match(worst?.summary ?? '', /^a program, and \d+ more like it$/)
    assert.deepEqual(new Set(told.map(({ group }) => group)), new Set(['web:change:7.1']))
  })

  test('one finding for each of many process trees is a burst, too', (t) => {
    const { told, fold } = folding()
    t.after(() => fold.stop())
    for (let n = 0; n < 50_000; n++) fold.emit(finding(`web:change:${n}.1`))
    fold.emit(finding('db:change:1.1'))
    assert.equal(told.at(-1)?.group, 'db:change:1.1', 'other containers pass')
    fold.flush()
    assert.equal(sum(told), 50_001)
    assert.ok(told.length < 300, String(told.length))
    assert.equal(told.at(-1)?.group, 'web:change:many')
  })

  test('what is folded costs no finding: only the one that stands for all is made', (t) => {
    const { fold } = folding()
    t.after(() => fold.stop())
    for (let n = 0; n < 20; n++) fold.emit(finding('web:change:1.1'))
    assert.ok(fold.isFolding('web:change:1.1'))
    let made = 0
    for (let n = 0; n < 100; n++)
      fold.count('web:change:1.1', 'low', () => {
        made++
        return finding('web:change:1.1')
      })
    assert.equal(made, 1)
  })

  test('after a quiet time findings pass one by one again', (t) => {
    const { told, clock, fold } = folding()
    t.after(() => fold.stop())
    for (let n = 0; n < 30; n++) fold.emit(finding('web:change:1.1'))
    fold.flush()
    clock.ms = 11_000
    fold.flush()
    assert.ok(!fold.isFolding('web:change:1.1'))
    const before = told.length
    fold.emit(finding('web:change:1.1'))
    assert.equal(told.length, before + 1)
  })

  test('whatever comes, and whenever: the counts add up, and the worst is not hidden', () => {
    const event = fc.record({
      group: fc.oneof(fc.nat(2), fc.nat(300)),
      severity: fc.constantFrom(...severities),
      count: fc.integer({ min: 1, max: 5 }),
      afterMs: fc.nat(200).map((n) => (n === 0 ? 12_000 : n < 20 ? 400 : 0)),
    })
    fc.assert(
      fc.property(fc.array(event, { minLength: 150, maxLength: 600 }), (events) => {
        const { told, clock, fold } = folding()
        try {
          for (const { group, severity, count, afterMs } of events) {
            clock.ms += afterMs
            if (afterMs > 0) fold.flush()
            fold.emit(finding(`web:change:${group}.1`, { severity, count }))
          }
          fold.flush()
          assert.equal(
            sum(told),
            events.reduce((all, { count }) => all + count, 0),
          )
          const worst = (all: readonly { severity: NewFinding['severity'] }[]) =>
            Math.max(-1, ...all.map(({ severity }) => severities.indexOf(severity)))
          assert.equal(worst(told), worst(events))
        } finally {
          fold.stop()
        }
      }),
      { numRuns: 200 },
    )
  })
})
