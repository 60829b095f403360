import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, test } from 'node:test'
import type { ContainerRef, Finding } from '../protocol/findings.ts'
import { acknowledge, openEvidence } from './acknowledge.ts'
import { openCauses, setCausePresent } from './causes.ts'
import { finding, process, unrelated } from './finding.fixture.ts'
import { beginPause, endPause, listPauses } from './pauses.ts'
import { alertById, listAlerts, openCounts } from './query.ts'
import { FLOOD_ALERTS_PER_HOUR } from './record.ts'
import { prune } from './retention.ts'
import { AlertStore } from './store.ts'
import { alertStory } from './story.ts'
import { verify } from './verify.ts'

const folder = mkdtempSync(join(tmpdir(), 'paddock-store-'))
after(() => rmSync(folder, { recursive: true }))

let count = 0
let now = 1_800_000_000_000
let store: AlertStore
beforeEach(() => {
  now = 1_800_000_000_000
  store = new AlertStore(join(folder, `${count++}.db`), () => now)
})

const open = () => listAlerts(store.database, { state: 'open' }, 100).alerts
const ack = (id: string) =>
  acknowledge(store.database, store.journal, id, { who: 'alice', reason: 'a deployment', at: now })

test('a finding that is sent twice is stored once', () => {
  assert.equal(store.record('s', [finding(1), finding(2)]).stored, 2)
  const again = store.record('s', [finding(1), finding(2), finding(3)])
  assert.deepEqual([again.stored, again.lastNumber, open()[0]?.count], [1, 3, 3])
})

test('the same number of another spool is another finding, and the journal tells of the change', () => {
  store.record('s', [finding(1)])
  assert.equal(store.record('other', [finding(1)]).stored, 1)
  assert.deepEqual(
    store.journal
      .entries(10)
      .filter(({ kind }) => kind === 'spool-changed')
      .map(({ body }) => body['spool']),
    ['other', 's'],
  )
})

test('numbers that never came are reported with their extent', () => {
  store.record('s', [finding(1)])
  assert.deepEqual(store.record('s', [finding(5)]).missing, [[2, 4]])
  assert.deepEqual(store.journal.entries(1)[0]?.body, { spool: 's', from: 2, to: 4 })
})

test('findings that do not fit, in one batch, are kept or lost together', () => {
  const broken = { ...finding(2), at: 'no time' }
  assert.throws(() => store.record('s', [finding(1), broken]))
  assert.deepEqual([open().length, store.lastNumber('s')], [0, 0])
  assert.equal(store.record('s', [finding(1)]).stored, 1)
  assert.equal(verify(store.database, null).ok, true)
})

test('what belongs together is one alert that grows in place', () => {
  const shell = process(50, 'sh')
  const exec = {
    kind: 'exec',
    exec: { verdict: 'denied', from: 'layer' },
    path: { path: '/tmp/.x' },
  } as const
  store.record('s', [
    finding(1, { byExec: true, processes: [shell], path: { path: '/tmp/.x' }, severity: 'medium' }),
    finding(2, { ...exec, group: 'another', byExec: true, processes: [process(60, 'x', 50), shell] }),
  ])
  const [alert, ...others] = open()
  assert.equal(others.length, 0)
  assert.equal(alert?.summary, 'a shell by `docker exec` wrote a new program /tmp/.x and ran it: denied')
  assert.deepEqual([alert.severity, alert.count, alert.container], ['high', 2, 'web'])
  assert.deepEqual([alert.firstAt, alert.lastAt], [finding(1).at, finding(2).at])
})

test("an alert's severity that rises is news, one that stays is not", () => {
  store.record('s', [finding(1, { severity: 'low' })])
  assert.deepEqual(store.record('s', [finding(2, { severity: 'critical' })]).worse, [1])
  assert.deepEqual(store.record('s', [finding(3, { severity: 'critical' })]).worse, [])
})

test('what no known process did joins the burst of its container, and not a later one', () => {
  const bare = (number: number, at: number) =>
    finding(number, { group: `g${number}`, at: new Date(at).toISOString() })
  store.record('s', [bare(1, now), bare(2, now + 5000), bare(3, now + 60_000)])
  assert.deepEqual(
    open().map((alert) => alert.count),
    [1, 2],
  )
})

test('what the init of a container does is not grouped by its being the ancestor of everything', () => {
  const init = process(1, 'init', 0)
  store.record('s', [
    finding(1, { group: 'a', byExec: false, processes: [process(7, 'cron'), init] }),
    finding(2, { group: 'b', byExec: false, processes: [process(8, 'sh'), init] }),
  ])
  assert.equal(open().length, 2)
})

test('acknowledgement needs a reason, happens once, and leaves the alert in the record', () => {
  store.record('s', [finding(1)])
  assert.throws(
    () => acknowledge(store.database, store.journal, '1', { who: 'alice', reason: '  ', at: now }),
    /a reason is needed/,
  )
  ack('1')
  assert.equal(open().length, 0)
  assert.deepEqual(alertById(store.database, '1')?.acknowledged, {
    at: new Date(now).toISOString(),
    by: 'alice',
    reason: 'a deployment',
  })
  assert.throws(() => ack('1'), /was acknowledged by alice/)
  assert.throws(() => ack('99'), /there is none of that number/)
})

test('a recurrence after an acknowledgement is a new alert that names the old one', () => {
  store.record('s', [finding(1, { group: 'a' })])
  ack('1')
  const recreated: ContainerRef = {
    id: 'c'.repeat(64),
    name: 'web',
    image: 'herd/web:live',
    engine: 'docker',
  }
  store.record('s', [
    finding(2, {
      group: 'b',
      path: { path: '/tmp/x1' },
      container: recreated,
    }),
  ])
  assert.deepEqual([open()[0]?.id, open()[0]?.previous], ['2', '1'])
  assert.deepEqual(alertStory(store.database, '1')?.next, ['2'])
})

test('a sweep that sees an acknowledged change still standing is no recurrence, until it had gone', () => {
  const seen = (number: number) => ({ ...finding(1), number, source: 'sweep' }) as const
  store.record('s', [finding(1)])
  ack('1')
  store.record('s', [seen(2)])
  assert.deepEqual([open().length, alertById(store.database, '1')?.count], [0, 2])
  setCausePresent(store.database, 1, [false], now)
  store.record('s', [seen(3)])
  assert.deepEqual([open().length, open()[0]?.previous], [1, '1'])
})

test('doing the same again is a recurrence, though the result is the same', () => {
  store.record('s', [finding(1)])
  ack('1')
  store.record('s', [{ ...finding(1), number: 2 }])
  assert.equal(open()[0]?.previous, '1')
})

test('the cause is present while one of its parts is, gone when all are, else unknown', () => {
  store.record('s', [finding(1), finding(2)])
  const [followed] = openCauses(store.database, 10)
  assert.deepEqual([followed?.alert, followed?.causes.length], [1, 2])
  for (const [parts, present] of [
    [[false, true], true],
    [[null, false], null],
    [[false, false], false],
  ] as const) {
    setCausePresent(store.database, 1, parts, now)
    assert.equal(alertById(store.database, '1')?.causePresent, present)
  }
})

test('what happens in a maintenance window is recorded, marked, and apart from what happens outside', () => {
  const pause = beginPause(store.database, store.journal, {
    container: 'web',
    forMs: 60_000,
    reason: 'upgrade',
    who: 'alice',
    at: now,
  })
  const inside = finding(1, { at: new Date(now + 1000).toISOString() })
  const outside = finding(2, { at: new Date(now + 61_000).toISOString() })
  store.record('s', [inside, outside])
  assert.deepEqual(
    open().map(({ maintenance, count }) => [maintenance?.reason ?? null, count]),
    [
      [null, 1],
      ['upgrade', 1],
    ],
  )
  assert.equal(openCounts(store.database).high, 1)
  assert.deepEqual([listPauses(store.database, now)[0]?.alerts, pause.active], [1, true])
  endPause(store.database, store.journal, pause.id, 'alice', now + 2000)
  assert.equal(listPauses(store.database, now + 2000)[0]?.active, false)
  assert.throws(() => endPause(store.database, store.journal, pause.id, 'alice', now + 3000), /none/)
})

test('more alerts of a container than a person can read become one that counts them; worse ones do not hide in it', () => {
  const noise = Array.from({ length: FLOOD_ALERTS_PER_HOUR + 50 }, (_, index) =>
    unrelated(index + 1, { severity: 'low' }),
  )
  store.record('s', noise)
  store.record('s', [unrelated(1000, { severity: 'critical' })])
  const flood = open().find(({ suppressed }) => suppressed > 0)
  assert.equal(open().length, FLOOD_ALERTS_PER_HOUR + 2)
  assert.deepEqual([flood?.count, flood?.suppressed], [50, 50])
  assert.match(flood?.summary ?? '', /50 further ones/)
  now += 3_600_001
  store.record('s', [unrelated(1001, { severity: 'low' })])
  assert.equal(open().length, FLOOD_ALERTS_PER_HOUR + 3)
})

test('evidence is held for open alerts, and let go when the last of them is acknowledged', () => {
  const evidence = [{ sha256: 'd'.repeat(64), size: 5, truncated: false }]
  const { evidence: kept } = store.record('s', [unrelated(1, { evidence }), unrelated(2, { evidence })])
  assert.deepEqual(kept, ['d'.repeat(64)])
  assert.deepEqual(ack('1'), [])
  assert.deepEqual(openEvidence(store.database, '', 10), ['d'.repeat(64)])
  assert.deepEqual(ack('2'), ['d'.repeat(64)])
})

test('filters and pages', () => {
  store.record('s', [
    unrelated(1, { severity: 'low' }),
    unrelated(2, { path: { path: '/srv/Needle' } }),
    unrelated(3),
  ])
  const ids = (filter: Parameters<typeof listAlerts>[1]) =>
    listAlerts(store.database, filter, 100).alerts.map(({ id }) => id)
  assert.deepEqual(ids({ severity: 'high' }), ['3', '2'])
  assert.deepEqual(ids({ search: 'needLE' }), ['2'])
  assert.deepEqual(ids({ container: 'web' }), ['3', '2', '1'])
  assert.deepEqual(ids({ container: 'we' }), [])
  const first = listAlerts(store.database, {}, 2)
  const second = listAlerts(store.database, {}, 2, first.nextBefore)
  assert.deepEqual(
    [first.alerts.length, second.alerts.map(({ id }) => id), second.nextBefore],
    [2, ['1'], null],
  )
})

test('the database outlives the process and keeps counting', () => {
  const path = join(folder, 'twice.db')
  {
    using first = new AlertStore(path, () => now)
    first.record('s', [finding(1)])
  }
  using second = new AlertStore(path, () => now)
  second.record('s', [finding(1), finding(2)])
  assert.deepEqual([second.lastNumber('s'), alertById(second.database, '1')?.count], [2, 2])
  assert.equal(verify(second.database, null).ok, true)
})

test('the text of old acknowledged findings is dropped, what is chained and counted stays', () => {
  store.record('s', [unrelated(1), unrelated(2)])
  ack('1')
  now += 10_000
  const limits = { keepMs: 5000, maxSizeBytes: 1e12, maxFindings: 1e9 }
  assert.deepEqual(prune(store.database, store.journal, limits, now), {
    shortened: 1,
    removed: 0,
    more: false,
  })
  assert.deepEqual(alertStory(store.database, '1')?.timeline, [])
  assert.equal(alertStory(store.database, '2')?.timeline.length, 1)
  assert.deepEqual(verify(store.database, null).problems, [])
  const { removed } = prune(store.database, store.journal, { ...limits, maxFindings: 1 }, now)
  assert.equal(removed, 1)
  assert.deepEqual(verify(store.database, null).problems, [])
})

test('what an audit found of a container is an alert of its own, beside what happens in it at the same moment', () => {
  const audit = (number: number): Finding => {
    const { path: _path, change: _change, ...rest } = finding(number)
    return {
      ...rest,
      kind: 'audit',
      source: 'audit',
      reasons: ['socket-mount'],
      group: 'audit container:web',
    }
  }
  store.record('s', [finding(1), audit(2), finding(3, { group: 'a sweep' }), audit(4)])
  assert.deepEqual(
    open()
      .map(({ reasons, findings, container }) => [reasons.join(), findings, container])
      .sort(),
    [
      ['executable', 2, 'web'],
      ['socket-mount', 2, 'web'],
    ],
  )
})
