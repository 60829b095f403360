import { createHash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { type Finding, severities } from '../protocol/findings.ts'
import { addFacts, type AlertFacts, NO_FACTS, summarise } from './facts.ts'
import { CHAIN_START, entryHash, findingHash, type JournalEntry, type JournalHead } from './journal.ts'
import { numberOf, type Row, textOrNull } from './row.ts'

export interface Verification {
  readonly ok: boolean
  /** One sentence each, at most 50. */
  readonly problems: readonly string[]
  readonly entries: number
  readonly findings: number
  /** Keep it elsewhere: with it, a later check shows that nothing up to here was changed or cut off. */
  readonly head: JournalHead
}

const MAX_PROBLEMS = 50

/**
 * Recomputes both hash chains (journal, findings), and holds what the tables say against what the journal tells.
 * @param expected a head noted earlier, from a notification or the end of an earlier check
 */
export function verify(database: DatabaseSync, expected: JournalHead | null): Verification {
  const problems: string[] = []
  const report = (problem: string) => {
    if (problems.length < MAX_PROBLEMS) problems.push(problem)
  }
  const journal = verifyJournal(database, expected, report)
  const { findings, told } = verifyFindings(database, journal.prunedTo, report)
  verifyAlerts(database, journal, told, report)
  return {
    ok: problems.length === 0,
    problems,
    entries: journal.head.seq,
    findings,
    head: journal.head,
  }
}

interface JournalFacts {
  readonly head: JournalHead
  readonly opened: ReadonlySet<number>
  readonly acknowledged: ReadonlyMap<number, { at: number; who: string; reason: string }>
  /** Findings up to this seq were dropped on purpose; the chain there. */
  readonly prunedTo: { readonly seq: number; readonly chain: Uint8Array } | null
}

type Report = (problem: string) => void

function verifyJournal(database: DatabaseSync, expected: JournalHead | null, report: Report): JournalFacts {
  const opened = new Set<number>()
  const acknowledged = new Map<number, { at: number; who: string; reason: string }>()
  let prunedTo: JournalFacts['prunedTo'] = null
  let previous = CHAIN_START
  let seq = 0
  let met = expected === null
  const rows = database.prepare('SELECT seq, at, kind, who, body, hash FROM journal ORDER BY seq')
  for (const row of rows.iterate()) {
    const entry = {
      seq: Number(row['seq']),
      at: Number(row['at']),
      kind: row['kind'] as JournalEntry['kind'],
      who: String(row['who']),
      body: String(row['body']),
    }
    if (entry.seq !== seq + 1) report(`journal: entries ${seq + 1} to ${entry.seq - 1} are missing`)
    const hash = entryHash(previous, entry)
    const stored = Buffer.from(row['hash'] as Uint8Array)
    if (!stored.equals(hash)) {
      report(`journal entry ${entry.seq} (${entry.kind}) was changed, or what stood before it`)
    }
    const body = JSON.parse(entry.body) as Record<string, unknown>
    if (entry.kind === 'opened') opened.add(Number(body['alert']))
    if (entry.kind === 'acknowledged') {
      acknowledged.set(Number(body['alert']), {
        at: entry.at,
        who: entry.who,
        reason: String(body['reason']),
      })
    }
    if (entry.kind === 'pruned' && typeof body['chain'] === 'string') {
      prunedTo = { seq: Number(body['to']), chain: Buffer.from(body['chain'], 'hex') }
    }
    if (expected !== null && entry.seq === expected.seq) {
      met = true
      if (stored.toString('hex') !== expected.hash)
        report(`journal entry ${entry.seq} is not the one noted earlier`)
    }
    // The stored hash: one changed entry is one problem, not one for each entry after it.
    previous = stored
    seq = entry.seq
  }
  if (!met)
    report(`the journal ends at entry ${seq}, before the noted entry ${expected?.seq ?? 0}: it was cut off`)
  return {
    head: { seq, hash: Buffer.from(previous).toString('hex') },
    opened,
    acknowledged,
    prunedTo,
  }
}

/** What the findings of one alert say of it, while all of them are kept in full. */
interface Told {
  findings: number
  count: number
  severity: number
  facts: AlertFacts
  whole: boolean
}

function verifyFindings(
  database: DatabaseSync,
  pruned: JournalFacts['prunedTo'],
  report: Report,
): { findings: number; told: Map<number, Told> } {
  const told = new Map<number, Told>()
  let previous = pruned?.chain ?? CHAIN_START
  let seq = pruned?.seq ?? 0
  let findings = 0
  const rows = database.prepare('SELECT * FROM findings WHERE seq > ? ORDER BY seq')
  for (const row of rows.iterate(seq)) {
    const here = numberOf(row, 'seq')
    if (here !== seq + 1) report(`findings ${seq + 1} to ${here - 1} are missing`)
    const line = textOrNull(row, 'line')
    const where = {
      spool: numberOf(row, 'spool'),
      number: numberOf(row, 'number'),
      alert: numberOf(row, 'alert'),
    }
    const digest = line === null ? (row['digest'] as Uint8Array) : createHash('sha256').update(line).digest()
    const stored = Buffer.from(row['chain'] as Uint8Array)
    if (!stored.equals(findingHash(previous, digest, where))) {
      report(`finding ${here} was changed, or what stood before it`)
    }
    addTold(told, where.alert, line)
    previous = stored
    seq = here
    findings++
  }
  return { findings, told }
}

function addTold(told: Map<number, Told>, alert: number, line: string | null): void {
  const before = told.get(alert) ?? { findings: 0, count: 0, severity: -1, facts: NO_FACTS, whole: true }
  told.set(alert, before)
  before.findings++
  if (line === null || !before.whole) {
    before.whole = false
    return
  }
  const finding = JSON.parse(line) as Finding
  const severity = severities.indexOf(finding.severity)
  before.count += finding.count
  before.severity = Math.max(before.severity, severity)
  before.facts = addFacts(before.facts, finding, severity)
}

function verifyAlerts(
  database: DatabaseSync,
  journal: JournalFacts,
  told: ReadonlyMap<number, Told>,
  report: Report,
): void {
  const seen = new Set<number>()
  for (const row of database.prepare('SELECT * FROM alerts').iterate()) {
    const id = numberOf(row, 'id')
    seen.add(id)
    if (!journal.opened.has(id)) report(`alert ${id} was never opened, says the journal`)
    verifyAcknowledgement(row, id, journal.acknowledged.get(id), report)
    const findings = told.get(id)
    if (journal.prunedTo !== null) continue
    if (findings?.findings !== row['findings']) {
      report(`alert ${id} counts ${String(row['findings'])} findings, ${findings?.findings ?? 0} are there`)
    } else if (findings?.whole === true) {
      const flood = row['flood'] === 1
      const same =
        findings.count === row['count'] &&
        findings.severity === row['severity'] &&
        (flood || summarise(findings.facts, findings.findings) === row['summary'])
      if (!same) report(`alert ${id} does not say what its findings say`)
    }
  }
  for (const id of journal.opened) if (!seen.has(id)) report(`alert ${id} was opened and is no more`)
}

function verifyAcknowledgement(
  row: Row,
  id: number,
  told: { at: number; who: string; reason: string } | undefined,
  report: Report,
): void {
  if (row['state'] === 'acknowledged' && told === undefined) {
    report(`alert ${id} is acknowledged, but the journal does not say by whom`)
  }
  if (row['state'] !== 'acknowledged' && told !== undefined) {
    report(`alert ${id} is open, but the journal says ${told.who} acknowledged it`)
  }
  const same =
    told === undefined ||
    (row['acknowledged_at'] === told.at &&
      row['acknowledged_by'] === told.who &&
      row['acknowledged_reason'] === told.reason)
  if (!same) report(`the acknowledgement of alert ${id} differs from the journal`)
}
