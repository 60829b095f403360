import type { DatabaseSync } from 'node:sqlite'
import type { Finding, Severity } from '../protocol/findings.ts'
import { openDatabase, transaction } from './database.ts'
import { Journal } from './journal.ts'
import { type Alongside, type Recorded, Recorder } from './record.ts'

/** The spool name of what watch itself found wrong. */
export const OWN_SPOOL = 'watch'

/** Trouble of watch's own, or that only watch can see: the sensor is silent. */
export interface OwnTrouble {
  /** "sensor-silent", "channel-failing". */
  readonly reason: string
  /** What it is about, where there may be several: the channel's name. */
  readonly subject?: string
  readonly severity: Severity
  readonly summary: string
  readonly details?: Finding['details']
}

/**
 * The memory: alerts, findings, the journal and the outbox in one database. Reading is by the functions of
 * query.ts, story.ts, pauses.ts and outbox.ts over `database`.
 */
export class AlertStore implements Disposable {
  readonly database: DatabaseSync
  readonly journal: Journal
  readonly now: () => number
  readonly #recorder: Recorder

  /** @throws UserError when the database cannot be opened or is damaged */
  constructor(path: string, now: () => number = Date.now) {
    this.database = openDatabase(path)
    this.journal = new Journal(this.database)
    this.now = now
    this.#recorder = new Recorder(this.database, this.journal, now)
  }

  /** Commits findings of a spool, and what `alongside` does; once it returns they may be acknowledged. */
  record(spool: string, findings: readonly Finding[], alongside?: Alongside): Recorded {
    return this.#recorder.record(spool, findings, alongside)
  }

  recordOwn(trouble: OwnTrouble, alongside?: Alongside): Recorded {
    const { reason, subject, severity, summary, details } = trouble
    return this.record(
      OWN_SPOOL,
      [
        {
          version: 1,
          number: this.lastNumber(OWN_SPOOL) + 1,
          at: new Date(this.now()).toISOString(),
          kind: 'trouble',
          source: 'sensor',
          severity,
          reasons: [reason],
          summary,
          container: null,
          group: `watch ${reason} ${subject ?? ''}`,
          count: 1,
          ...(details === undefined ? {} : { details }),
        },
      ],
      alongside,
    )
  }

  lastNumber(spool: string): number {
    return this.#recorder.lastNumber(spool)
  }

  /** The spool of this name counts anew, from `next`: what was stored keeps its numbers under another name. */
  retireSpool(spool: string, next: number): void {
    transaction(this.database, () => {
      this.database.prepare(`UPDATE spools SET name = name || '~' || id WHERE name = ?`).run(spool)
      this.journal.append({
        at: this.now(),
        kind: 'spool-changed',
        who: 'watch',
        body: { spool, first: next },
      })
    })
  }

  [Symbol.dispose](): void {
    this.database.close()
  }
}
