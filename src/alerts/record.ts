import { createHash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { type Finding, severities } from '../protocol/findings.ts'
import { type AlertRow, AlertRows } from './alert-rows.ts'
import { addCauses } from './causes.ts'
import { transaction } from './database.ts'
import { addFacts, NO_FACTS, summarise } from './facts.ts'
import { type Marks, marksOf, place, type Placement } from './group.ts'
import { CHAIN_START, findingHash, type Journal } from './journal.ts'

/** Further alerts of one container and severity within an hour go into one alert, which counts them. */
export const FLOOD_ALERTS_PER_HOUR = 30
/** An alert keeps so many findings in full; of later ones the time, the number and the digest. */
export const FULL_FINDINGS_PER_ALERT = 2000
/** Findings after these add no marks, or no causes: bounded, whatever a container does. */
const MARKED_FINDINGS_PER_ALERT = 10_000
const CAUSING_FINDINGS_PER_ALERT = 100
const HOUR_MS = 3_600_000
export const ACTIVITY_BUCKET_MS = 300_000
const MAX_SEARCH_LENGTH = 4096

/** What a batch did, for those who tell people. Ids of alerts. */
export interface Recorded {
  /** Findings stored; those that were there already are not counted. */
  readonly stored: number
  /** Highest number now committed of this spool. */
  readonly lastNumber: number
  readonly opened: readonly number[]
  /** Open before, and of a higher severity now. */
  readonly worse: readonly number[]
  readonly grown: readonly number[]
  /** Hashes of kept bytes that belong to alerts now. */
  readonly evidence: readonly string[]
  /** Numbers that the spool should have delivered and did not: [from, to]. */
  readonly missing: readonly (readonly [number, number])[]
}

/** Works in the transaction of what was recorded: notices that are to go out for it. */
export type Alongside = (recorded: Recorded) => void

/** The one way in: findings of a spool, in order. Each is stored exactly once, whatever is sent again. */
export class Recorder {
  readonly #database: DatabaseSync
  readonly #journal: Journal
  readonly #now: () => number
  readonly #statements
  #chain: Uint8Array

  constructor(database: DatabaseSync, journal: Journal, now: () => number) {
    this.#database = database
    this.#journal = journal
    this.#now = now
    this.#statements = prepare(database)
    this.#chain = this.#lastChain()
  }

  /**
   * Commits all of `findings`, or throws and commits none.
   * @param alongside what is kept or lost together with them
   */
  record(spool: string, findings: readonly Finding[], alongside?: Alongside): Recorded {
    try {
      return transaction(this.#database, () => {
        const recorded = this.#recordAll(spool, findings)
        alongside?.(recorded)
        return recorded
      })
    } catch (error) {
      this.#chain = this.#lastChain()
      throw error
    }
  }

  /** Highest number committed of this spool; 0: none. */
  lastNumber(spool: string): number {
    return Number(this.#statements.spool.get(spool)?.['last_number'] ?? 0)
  }

  #recordAll(spool: string, findings: readonly Finding[]): Recorded {
    const { id: spoolId, last, known } = this.#spool(spool, findings[0]?.number ?? 0)
    const rows = new AlertRows(this.#database)
    const opened = new Set<number>()
    const worse = new Set<number>()
    const evidence = new Set<string>()
    const missing: [number, number][] = []
    let lastNumber = last
    let stored = 0
    for (const finding of findings) {
      if (this.#statements.known.get(spoolId, finding.number) !== undefined) continue
      if (known && finding.number > lastNumber + 1) missing.push([lastNumber + 1, finding.number - 1])
      const { row, isNew } = this.#alertFor(finding, rows)
      const before = row.severity
      this.#add(finding, row, spoolId)
      for (const { sha256 } of finding.evidence ?? []) evidence.add(sha256)
      if (isNew) opened.add(row.id)
      else if (row.severity > before && row.state === 'open') worse.add(row.id)
      lastNumber = Math.max(lastNumber, finding.number)
      stored++
    }
    rows.flush()
    this.#statements.setSpool.run(lastNumber, spoolId)
    for (const id of opened) this.#journalOpened(rows.get(id))
    for (const [from, to] of missing) {
      this.#journal.append({
        at: this.#now(),
        kind: 'findings-missing',
        who: 'watch',
        body: { spool, from, to },
      })
    }
    const grown = rows.edited().filter((id) => !opened.has(id))
    return {
      stored,
      lastNumber,
      opened: [...opened],
      worse: [...worse].filter((id) => !opened.has(id)),
      grown,
      evidence: [...evidence],
      missing,
    }
  }

  #alertFor(finding: Finding, rows: AlertRows): { row: AlertRow; isNew: boolean } {
    const at = Date.parse(finding.at)
    const marks = marksOf(finding)
    const pause = this.#pauseOf(finding, at)
    const placement = place(finding, marks, rows, pause, at)
    const flooded = placement.to === 'open' && pause === null ? this.#flood(finding) : null
    if (flooded !== null && flooded.alert !== null) {
      const row = rows.edit(flooded.alert)
      row.suppressed += finding.count
      return { row, isNew: false }
    }
    if (placement.to === 'open') {
      const row = this.#open(finding, placement, pause, flooded !== null, rows)
      if (!row.flood) this.#mark(row, marks, finding)
      return { row, isNew: true }
    }
    const row = rows.edit(placement.alert)
    if (row.findings < MARKED_FINDINGS_PER_ALERT) this.#mark(row, marks, finding)
    return { row, isNew: false }
  }

  #add(finding: Finding, row: AlertRow, spoolId: number): void {
    const at = Date.parse(finding.at)
    const severity = severities.indexOf(finding.severity)
    const line = JSON.stringify(finding)
    const digest = createHash('sha256').update(line).digest()
    this.#chain = findingHash(this.#chain, digest, { spool: spoolId, number: finding.number, alert: row.id })
    const full = row.findings < FULL_FINDINGS_PER_ALERT
    const { insertFinding, insertEvidence, addActivity } = this.#statements
    insertFinding.run(
      spoolId,
      finding.number,
      row.id,
      at,
      full ? line : null,
      full ? null : digest,
      this.#chain,
    )
    for (const { sha256, size, truncated } of finding.evidence ?? []) {
      insertEvidence.run(row.id, sha256, size, truncated ? 1 : 0, finding.path?.path ?? '')
    }
    addActivity.run(
      finding.container?.name ?? '',
      Math.floor(at / ACTIVITY_BUCKET_MS),
      severity,
      finding.count,
    )
    row.facts = addFacts(row.facts, finding, severity)
    row.severity = Math.max(row.severity, severity)
    row.findings++
    row.count += finding.count
    row.firstAt = Math.min(row.firstAt, at)
    row.lastAt = Math.max(row.lastAt, at)
    const path = finding.path?.path
    if (path !== undefined && row.search.length < MAX_SEARCH_LENGTH) {
      row.search = `${row.search}\n${path.toLowerCase()}`.slice(0, MAX_SEARCH_LENGTH)
    }
    row.summary = row.flood
      ? `more than ${FLOOD_ALERTS_PER_HOUR} alerts of this severity within an hour: ${row.count} further ones are kept here`
      : summarise(row.facts, row.findings)
  }

  #open(
    finding: Finding,
    placement: Extract<Placement, { to: 'open' }>,
    pause: number | null,
    flood: boolean,
    rows: AlertRows,
  ): AlertRow {
    const at = Date.parse(finding.at)
    const { container } = finding
    return rows.insert({
      state: 'open',
      severity: severities.indexOf(finding.severity),
      summary: '',
      container: container?.name ?? null,
      // What an audit says of how it is set up is no part of a burst of what happens in it.
      containerId: finding.kind === 'audit' ? null : (container?.id ?? null),
      image: container?.image ?? null,
      engine: container?.engine ?? null,
      openedAt: this.#now(),
      firstAt: at,
      lastAt: at,
      count: 0,
      findings: 0,
      suppressed: flood ? finding.count : 0,
      flood,
      causePresent: null,
      previous: flood ? null : placement.previous,
      pause,
      facts: NO_FACTS,
      search: `${container?.name ?? 'host'}\n${container?.image ?? ''}\n${finding.summary}`.toLowerCase(),
    })
  }

  #mark(row: AlertRow, marks: Marks, finding: Finding): void {
    for (const mark of [marks.group, marks.thing, marks.state, ...marks.processes]) {
      this.#statements.insertMark.run(mark, row.id)
    }
    if (row.findings < CAUSING_FINDINGS_PER_ALERT) addCauses(this.#database, row.id, finding)
  }

  #flood(finding: Finding): { alert: number | null } | null {
    const name = finding.container?.name ?? null
    const severity = severities.indexOf(finding.severity)
    const { recentAlerts, floodAlert } = this.#statements
    const recent = Number(recentAlerts.get(name, this.#now() - HOUR_MS, severity)?.['n'])
    if (recent < FLOOD_ALERTS_PER_HOUR) return null
    const row = floodAlert.get(name, severity)
    return { alert: row === undefined ? null : Number(row['id']) }
  }

  #pauseOf({ container }: Finding, at: number): number | null {
    if (container === null) return null
    const row = this.#statements.pause.get(container.name, at, at)
    return row === undefined ? null : Number(row['id'])
  }

  #spool(name: string, first: number): { id: number; last: number; known: boolean } {
    const row = this.#statements.spool.get(name)
    if (row !== undefined) return { id: Number(row['id']), last: Number(row['last_number']), known: true }
    const { lastInsertRowid } = this.#statements.insertSpool.run(name)
    // Earlier numbers than `first` were acknowledged to a database that is no more.
    this.#journal.append({
      at: this.#now(),
      kind: 'spool-changed',
      who: 'watch',
      body: { spool: name, first },
    })
    return { id: Number(lastInsertRowid), last: 0, known: false }
  }

  #journalOpened(row: Readonly<AlertRow>): void {
    this.#journal.append({
      at: this.#now(),
      kind: 'opened',
      who: 'watch',
      body: { alert: row.id, severity: severities[row.severity], previous: row.previous, pause: row.pause },
    })
  }

  #lastChain(): Uint8Array {
    const row = this.#database.prepare('SELECT chain FROM findings ORDER BY seq DESC LIMIT 1').get()
    return row === undefined ? CHAIN_START : (row['chain'] as Uint8Array)
  }
}

function prepare(database: DatabaseSync) {
  const sql = (text: string) => database.prepare(text)
  return {
    spool: sql('SELECT id, last_number FROM spools WHERE name = ?'),
    insertSpool: sql('INSERT INTO spools (name) VALUES (?)'),
    setSpool: sql('UPDATE spools SET last_number = ? WHERE id = ?'),
    known: sql('SELECT 1 FROM findings WHERE spool = ? AND number = ?'),
    insertFinding: sql(
      'INSERT INTO findings (spool, number, alert, at, line, digest, chain) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ),
    insertEvidence: sql(
      'INSERT OR IGNORE INTO evidence (alert, sha256, size, truncated, name) VALUES (?, ?, ?, ?, ?)',
    ),
    insertMark: sql('INSERT OR IGNORE INTO marks (mark, alert) VALUES (?, ?)'),
    addActivity: sql(
      `INSERT INTO activity (container, bucket, severity, count) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET count = count + excluded.count`,
    ),
    recentAlerts: sql(
      'SELECT count(*) AS n FROM alerts WHERE container IS ? AND opened_at > ? AND severity = ? AND flood = 0',
    ),
    floodAlert: sql(
      `SELECT id FROM alerts WHERE container IS ? AND severity = ? AND flood = 1 AND state = 'open'
       ORDER BY opened_at DESC LIMIT 1`,
    ),
    pause: sql(
      'SELECT id FROM pauses WHERE container = ? AND from_at <= ? AND until_at > ? ORDER BY id DESC LIMIT 1',
    ),
  }
}
