import type { DatabaseSync } from 'node:sqlite'
import type { AlertFacts } from './facts.ts'
import type { AlertIndex, Candidate } from './group.ts'
import { numberOf, numberOrNull, type Row, textOf, textOrNull } from './row.ts'

/** An alert as it stands in the database, open for changes while a batch is recorded. */
export interface AlertRow {
  readonly id: number
  readonly state: 'open' | 'acknowledged'
  severity: number
  summary: string
  readonly container: string | null
  readonly containerId: string | null
  readonly image: string | null
  readonly engine: string | null
  readonly openedAt: number
  firstAt: number
  lastAt: number
  count: number
  findings: number
  suppressed: number
  readonly flood: boolean
  readonly causePresent: boolean | null
  readonly previous: number | null
  readonly pause: number | null
  facts: AlertFacts
  search: string
}

/**
 * The alerts that one batch touches: each is read once, changed in memory and written once by `flush`, so that a
 * burst of ten thousand findings in one alert is one update of it.
 */
export class AlertRows implements AlertIndex {
  readonly #statements
  readonly #rows = new Map<number, AlertRow>()
  readonly #edited = new Set<number>()

  constructor(database: DatabaseSync) {
    this.#statements = prepare(database)
  }

  /** To read. */
  get(id: number): Readonly<AlertRow> {
    return this.#read(id)
  }

  /** To change: `flush` will write it. */
  edit(id: number): AlertRow {
    this.#edited.add(id)
    return this.#read(id)
  }

  /** Ids of those given to edit. */
  edited(): number[] {
    return [...this.#edited]
  }

  #read(id: number): AlertRow {
    const cached = this.#rows.get(id)
    if (cached !== undefined) return cached
    const row = this.#statements.select.get(id)
    if (row === undefined) throw new Error(`no alert ${id}`)
    const read = asRow(row)
    this.#rows.set(id, read)
    return read
  }

  insert(row: Omit<AlertRow, 'id'>): AlertRow {
    const { lastInsertRowid } = this.#statements.insert.run(
      row.state,
      row.severity,
      row.summary,
      row.container,
      row.containerId,
      row.image,
      row.engine,
      row.openedAt,
      row.firstAt,
      row.lastAt,
      row.count,
      row.findings,
      row.suppressed,
      row.flood ? 1 : 0,
      row.previous,
      row.pause,
      JSON.stringify(row.facts),
      row.search,
    )
    const inserted = { ...row, id: Number(lastInsertRowid) }
    this.#rows.set(inserted.id, inserted)
    this.#edited.add(inserted.id)
    return inserted
  }

  withMark(mark: string, state: Candidate['state']): Candidate | null {
    const row = this.#statements.withMark.get(mark, state)
    return row === undefined ? null : this.#candidate(Number(row['id']))
  }

  newestOpenOf(containerId: string | null): Candidate | null {
    const row = this.#statements.newestOpen.get(containerId)
    return row === undefined ? null : this.#candidate(Number(row['id']))
  }

  flush(): void {
    for (const id of this.#edited) {
      const row = this.#read(id)
      this.#statements.update.run(
        row.severity,
        row.summary,
        row.firstAt,
        row.lastAt,
        row.count,
        row.findings,
        row.suppressed,
        JSON.stringify(row.facts),
        row.search,
        row.id,
      )
    }
  }

  #candidate(id: number): Candidate {
    // From the cache where the batch has touched it: its times there are newer than the table's.
    const { state, lastAt, causePresent, pause } = this.get(id)
    return { id, state, lastAt, causePresent, pause }
  }
}

function prepare(database: DatabaseSync) {
  const sql = (text: string) => database.prepare(text)
  return {
    select: sql('SELECT * FROM alerts WHERE id = ?'),
    insert: sql(
      `INSERT INTO alerts (state, severity, summary, container, container_id, image, engine, opened_at, first_at,
         last_at, count, findings, suppressed, flood, previous, pause, facts, search)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    update: sql(
      `UPDATE alerts SET severity = ?, summary = ?, first_at = ?, last_at = ?, count = ?, findings = ?,
         suppressed = ?, facts = ?, search = ? WHERE id = ?`,
    ),
    // CROSS: by the mark, whose alerts are few, and never through all that are open.
    withMark: sql(
      `SELECT alert AS id FROM marks CROSS JOIN alerts ON alerts.id = marks.alert
       WHERE mark = ? AND state = ? ORDER BY alert DESC LIMIT 1`,
    ),
    newestOpen: sql(
      `SELECT id FROM alerts WHERE container_id IS ? AND state = 'open' AND flood = 0 ORDER BY id DESC LIMIT 1`,
    ),
  }
}

function asRow(row: Row): AlertRow {
  const cause = numberOrNull(row, 'cause_present')
  return {
    id: numberOf(row, 'id'),
    state: textOf(row, 'state') === 'open' ? 'open' : 'acknowledged',
    severity: numberOf(row, 'severity'),
    summary: textOf(row, 'summary'),
    container: textOrNull(row, 'container'),
    containerId: textOrNull(row, 'container_id'),
    image: textOrNull(row, 'image'),
    engine: textOrNull(row, 'engine'),
    openedAt: numberOf(row, 'opened_at'),
    firstAt: numberOf(row, 'first_at'),
    lastAt: numberOf(row, 'last_at'),
    count: numberOf(row, 'count'),
    findings: numberOf(row, 'findings'),
    suppressed: numberOf(row, 'suppressed'),
    flood: numberOf(row, 'flood') === 1,
    causePresent: cause === null ? null : cause === 1,
    previous: numberOrNull(row, 'previous'),
    pause: numberOrNull(row, 'pause'),
    facts: JSON.parse(textOf(row, 'facts')) as AlertFacts,
    search: textOf(row, 'search'),
  }
}
