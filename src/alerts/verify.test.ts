import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { acknowledge } from './acknowledge.ts'
import { copyDatabase } from './database.ts'
import { unrelated } from './finding.fixture.ts'
import { AlertStore } from './store.ts'
import { verify } from './verify.ts'

const folder = mkdtempSync(join(tmpdir(), 'paddock-verify-'))
after(() => rmSync(folder, { recursive: true }))

const original = join(folder, 'original.db')
const store = new AlertStore(original)
store.record('s', [unrelated(1), unrelated(2), unrelated(3)])
const early = store.journal.head()
acknowledge(store.database, store.journal, '2', { who: 'alice', reason: 'known', at: 1 })
const late = store.journal.head()

const drop = 'DROP TRIGGER journal_is_never_changed; DROP TRIGGER journal_is_never_shortened;'

/** What an intruder who holds the database file can do to it, and what must then be said. */
const edits: readonly (readonly [what: string, sql: string, found: RegExp])[] = [
  [
    'rewrites who acknowledged',
    `UPDATE alerts SET acknowledged_by = 'bob'`,
    /acknowledgement of alert 2 differs/,
  ],
  [
    'acknowledges in silence',
    `UPDATE alerts SET state = 'acknowledged', acknowledged_at = 5, acknowledged_by = 'x', acknowledged_reason = 'y' WHERE id = 1`,
    /alert 1 is acknowledged, but the journal does not say/,
  ],
  [
    'opens again',
    `UPDATE alerts SET state = 'open', acknowledged_at = NULL WHERE id = 2`,
    /alert 2 is open, but/,
  ],
  [
    'removes an alert',
    `PRAGMA foreign_keys = OFF; DELETE FROM alerts WHERE id = 3`,
    /alert 3 was opened and is no more/,
  ],
  ['removes a finding', 'DELETE FROM findings WHERE seq = 2', /findings 2 to 2 are missing/],
  [
    'removes the last finding',
    'DELETE FROM findings WHERE seq = 3',
    /alert 3 counts 1 findings, 0 are there/,
  ],
  [
    'edits a finding',
    `UPDATE findings SET line = replace(line, '/tmp/x2', '/tmp/y2')`,
    /finding 2 was changed/,
  ],
  [
    'moves a finding to another alert',
    'UPDATE findings SET alert = 4 - alert WHERE alert <> 2',
    /finding 1 was changed/,
  ],
  [
    'plays an alert down',
    'UPDATE alerts SET severity = 1 WHERE id = 1',
    /alert 1 does not say what its findings say/,
  ],
  [
    'rewrites a summary',
    `UPDATE alerts SET summary = 'all fine'`,
    /alert 1 does not say what its findings say/,
  ],
  [
    'edits a reason',
    `${drop} UPDATE journal SET body = replace(body, 'known', 'fine')`,
    /journal entry \d+ \(acknowledged\) was changed/,
  ],
  ['removes an entry', `${drop} DELETE FROM journal WHERE seq = 2`, /journal: entries 2 to 2 are missing/],
  [
    'cuts off the end',
    `${drop} DELETE FROM journal WHERE kind = 'acknowledged'; UPDATE alerts SET state = 'open', acknowledged_at = NULL, acknowledged_by = NULL, acknowledged_reason = NULL`,
    /the journal ends at entry \d+, before the noted entry/,
  ],
]

for (const [index, [what, sql, found]] of edits.entries()) {
  test(`an intruder ${what}: found`, async () => {
    const copy = join(folder, `${index}.db`)
    await copyDatabase(store.database, copy)
    using database = new DatabaseSync(copy, { defensive: false })
    assert.deepEqual(verify(database, late).problems, [])
    database.exec(sql)
    assert.match(verify(database, late).problems.join('\n'), found)
  })
}

test('an honest database is in order, against a head noted now or earlier', () => {
  for (const head of [null, early, late]) assert.deepEqual(verify(store.database, head).problems, [])
  assert.match(
    verify(store.database, { ...early, hash: '00' }).problems.join(),
    /is not the one noted earlier/,
  )
})

test('the journal itself refuses to be changed or shortened', () => {
  assert.throws(() => store.database.exec(`UPDATE journal SET who = 'x'`), /only ever added to/)
  assert.throws(() => store.database.exec('DELETE FROM journal'), /only ever added to/)
})

test('no statement opens another file', () => {
  assert.throws(() => store.database.exec(`ATTACH '${join(folder, 'other.db')}' AS other`), /not authorized/)
})
