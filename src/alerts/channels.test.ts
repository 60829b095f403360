import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { announce, announceAlert, type Channel, quietUntil, renew } from './channels.ts'
import { Deliverer } from './deliver.ts'
import { finding, unrelated } from './finding.fixture.ts'
import type { Notice } from './notify/notice.ts'
import { channelStates, due } from './outbox.ts'
import { beginPause } from './pauses.ts'
import { alertById } from './query.ts'
import type { Recorded } from './record.ts'
import { AlertStore } from './store.ts'

const folder = mkdtempSync(join(tmpdir(), 'paddock-channels-'))
after(() => rmSync(folder, { recursive: true }))
let count = 0

/** A receiver in this process: what is tested here is the outbox; the real ones are in test/root/notify.test.ts. */
function channel(name: string, change: Partial<Channel> = {}, refuse = 0) {
  const received: Notice[] = []
  let refusals = refuse
  const made: Channel = {
    name,
    type: 'webhook',
    severity: 'low',
    quiet: null,
    settings: {},
    kind: {
      summary: '',
      fields: {},
      followsState: false,
      send: (_settings, notice) => {
        if (refusals-- > 0) return Promise.reject(new Error('refused'))
        received.push(notice)
        return Promise.resolve()
      },
    },
    ...change,
  }
  return { made, received }
}

function deliverer(
  store: AlertStore,
  channels: readonly Channel[],
  told: string[] = [],
  gatherMs = 30,
  backOffMs = [5],
) {
  return new Deliverer({
    store,
    channels,
    host: 'h',
    pageUrl: null,
    gatherMs,
    backOffMs,
    onFailing: ({ name }, error) => told.push(`${name} fails: ${error}`),
    onRecovered: ({ name }) => told.push(`${name} works`),
  })
}

const newStore = (now?: () => number) => new AlertStore(join(folder, `${count++}.db`), now)
const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

test('the first alert goes at once and alone, those that follow go together, worst first', async () => {
  using store = newStore()
  const { made, received } = channel('ops')
  await using delivery = deliverer(store, [made])
  announce(store, [made], store.record('s', [unrelated(1)]))
  delivery.kick()
  await until(() => received.length === 1)
  for (const severity of ['low', 'critical', 'info'] as const) {
    announce(store, [made], store.record('s', [unrelated(store.lastNumber('s') + 1, { severity })]))
  }
  delivery.kick()
  await until(() => received.length === 2)
  assert.deepEqual(
    received.map(({ items }) => items.map(({ alert }) => alert.severity)),
    [['high'], ['critical', 'low']],
  )
})

test('a notice is kept or lost with the finding that it is about', () => {
  using store = newStore()
  const { made } = channel('ops')
  const announced = (recorded: Recorded) => {
    announce(store, [made], recorded)
  }
  assert.throws(() =>
    store.record('s', [unrelated(1)], (recorded) => {
      announced(recorded)
      throw new Error('killed')
    }),
  )
  assert.deepEqual([store.lastNumber('s'), due(store.database, 'ops', 1e15, 9).length], [0, 0])
  store.record('s', [unrelated(1)], announced)
  assert.deepEqual([store.lastNumber('s'), due(store.database, 'ops', 1e15, 9).length], [1, 1])
})

test('many alerts are one digest that counts what it leaves out', async () => {
  using store = newStore()
  const { made, received } = channel('ops')
  const all = Array.from({ length: 50 }, (_, index) =>
    unrelated(index + 1, {
      container: { id: String(index).padStart(64, '0'), name: `c${index}`, image: 'i', engine: 'docker' },
    }),
  )
  announce(store, [made], store.record('s', all))
  await using _ = deliverer(store, [made])
  await until(() => received.length === 1)
  assert.deepEqual([received[0]?.items.length, received[0]?.more], [30, 20])
})

test('a channel that keeps state is left nothing out', async () => {
  using store = newStore()
  const ops = channel('ops')
  const made = { ...ops.made, kind: { ...ops.made.kind, followsState: true } }
  const all = Array.from({ length: 40 }, (_, index) =>
    unrelated(index + 1, {
      container: { id: String(index).padStart(64, '0'), name: `c${index}`, image: 'i', engine: 'docker' },
    }),
  )
  announce(store, [made], store.record('s', all))
  await using _ = deliverer(store, [made])
  await until(() => ops.received.flatMap(({ items }) => items).length === 40)
})

test('what is refused is sent again until it is taken; others are told of a channel that keeps failing', async () => {
  using store = newStore()
  const { made, received } = channel('ops', {}, 4)
  const told: string[] = []
  announce(store, [made], store.record('s', [finding(1)]))
  await using _ = deliverer(store, [made], told)
  await until(() => received.length === 1)
  assert.deepEqual(told, ['ops fails: refused', 'ops works'])
  await until(() => channelStates(store.database, ['ops'])[0]?.waiting === 0)
  assert.deepEqual(channelStates(store.database, ['ops'])[0]?.failures, 0)
})

test('once a test of a channel works, what was tried in vain goes at once', async () => {
  using store = newStore()
  const { made, received } = channel('ops', {}, 1)
  await using delivery = deliverer(store, [made], [], 30, [3_600_000])
  announce(store, [made], store.record('s', [unrelated(1)]))
  delivery.kick()
  await until(() => channelStates(store.database, ['ops'])[0]?.failures === 1)
  await delivery.test(made)
  await until(() => received.length === 2)
  assert.deepEqual(
    received.map(({ test: isTest }) => isTest),
    [true, false],
  )
})

test('what waits in the outbox outlives the process', async () => {
  const path = join(folder, 'outlives.db')
  const { made, received } = channel('ops')
  {
    using store = new AlertStore(path)
    announce(store, [made], store.record('s', [finding(1)]))
  }
  using store = new AlertStore(path)
  await using _ = deliverer(store, [made])
  await until(() => received.length === 1)
})

test('a channel hears what is bad enough for it, and nothing of maintenance', () => {
  using store = newStore(() => 1_800_000_000_000)
  const { made } = channel('ops', { severity: 'critical' })
  announce(store, [made], store.record('s', [finding(1)]))
  beginPause(store.database, store.journal, {
    container: 'web',
    forMs: 60_000,
    reason: 'r',
    who: 'w',
    at: 1_800_000_000_000,
  })
  announce(store, [made], store.record('s', [unrelated(2, { severity: 'critical' })]))
  assert.equal(due(store.database, 'ops', Infinity, 10).length, 0)
  announce(store, [made], store.record('s', [finding(100, { severity: 'critical' })]))
  assert.deepEqual(
    due(store.database, 'ops', Number.MAX_SAFE_INTEGER, 10).map(({ event }) => event),
    ['worse'],
  )
})

test('only channels that keep state hear of acknowledgements and reminders', () => {
  using store = newStore()
  const person = channel('person').made
  const machine = { ...channel('machine').made, kind: { ...person.kind, followsState: true } }
  store.record('s', [finding(1)])
  const alert = alertById(store.database, '1')
  assert.ok(alert)
  announceAlert(store, [person, machine], alert, 'acknowledged')
  renew(store, machine)
  const events = (name: string) =>
    due(store.database, name, Number.MAX_SAFE_INTEGER, 10).map(({ event }) => event)
  assert.deepEqual([events('person'), events('machine')], [[], ['acknowledged', 'still-open']])
})

test('news that follows an acknowledgement waits for nothing', async () => {
  using store = newStore()
  const { made, received } = channel('ops')
  const followsState = { ...made, kind: { ...made.kind, followsState: true } }
  await using delivery = deliverer(store, [followsState], [], 3_600_000)
  const [id = 0] = store.record('s', [unrelated(1)]).opened
  const alert = alertById(store.database, String(id))
  assert.ok(alert !== null)
  announceAlert(store, [followsState], alert, 'acknowledged')
  delivery.kick()
  await until(() => received.length === 1)
  announce(store, [followsState], store.record('s', [unrelated(2)]))
  delivery.kick()
  await until(() => received.length === 2)
})

test('quiet hours put off all but the worst, over midnight too', () => {
  const at = (hour: number, minute = 0) => new Date(2026, 5, 15, hour, minute).getTime()
  const night = { fromMinute: 22 * 60, untilMinute: 7 * 60, except: 'critical' } as const
  const noon = { fromMinute: 12 * 60, untilMinute: 13 * 60, except: 'critical' } as const
  const cases = [
    [night, at(21, 59), at(21, 59)],
    [night, at(22), new Date(2026, 5, 16, 7).getTime()],
    [night, at(3), at(7)],
    [night, at(7), at(7)],
    [noon, at(12, 30), at(13)],
    [noon, at(13), at(13)],
    [null, at(3), at(3)],
  ] as const
  for (const [quiet, now, expected] of cases) assert.equal(quietUntil(quiet, 'high', now), expected)
  assert.equal(quietUntil(night, 'critical', at(3)), at(3))
})
