import { createHash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { prepared } from './database.ts'

/** What is written down for good. */
export type JournalKind =
  | 'started'
  | 'opened'
  | 'acknowledged'
  | 'paused'
  | 'pause-ended'
  | 'spool-changed'
  | 'findings-missing'
  | 'pruned'
  | 'login-refused'

export interface JournalEntry {
  /** From 1, without gaps. */
  readonly seq: number
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly kind: JournalKind
  /** Who did it: "watch", "token", "alice (socket)". */
  readonly who: string
  readonly body: Readonly<Record<string, unknown>>
}

/** The last entry: whoever keeps it elsewhere can later show that nothing before it was changed or cut off. */
export interface JournalHead {
  readonly seq: number
  /** Hexadecimal. */
  readonly hash: string
}

/** The hash before the first entry, and before the first finding of the chain over findings. */
export const CHAIN_START: Uint8Array = new Uint8Array(32)

/** Chains a finding: its text's digest, and where it was put. */
export function findingHash(
  previous: Uint8Array,
  digest: Uint8Array,
  where: { readonly spool: number; readonly number: number; readonly alert: number },
): Uint8Array {
  return createHash('sha256')
    .update(previous)
    .update(digest)
    .update(JSON.stringify([where.spool, where.number, where.alert]))
    .digest()
}

/** @param body the JSON text as stored: what is hashed is what is kept, byte for byte */
export function entryHash(
  previous: Uint8Array,
  entry: Omit<JournalEntry, 'body'> & { body: string },
): Uint8Array {
  return createHash('sha256')
    .update(previous)
    .update(JSON.stringify([entry.seq, entry.at, entry.kind, entry.who, entry.body]))
    .digest()
}

/** The append-only, hash-chained record of what people and Paddock itself decided. */
export class Journal {
  readonly #database: DatabaseSync

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** Adds an entry; within a transaction it is kept or lost with it. */
  append(entry: Omit<JournalEntry, 'seq'>): void {
    const last = this.#last()
    const row = { ...entry, seq: last.seq + 1, body: JSON.stringify(entry.body) }
    const insert = 'INSERT INTO journal (seq, at, kind, who, body, hash) VALUES (?, ?, ?, ?, ?, ?)'
    prepared(this.#database, insert).run(
      row.seq,
      row.at,
      row.kind,
      row.who,
      row.body,
      entryHash(last.hash, row),
    )
  }

  head(): JournalHead {
    const { seq, hash } = this.#last()
    return { seq, hash: Buffer.from(hash).toString('hex') }
  }

  /** Newest first. */
  entries(limit: number): JournalEntry[] {
    return this.#database
      .prepare('SELECT seq, at, kind, who, body FROM journal ORDER BY seq DESC LIMIT ?')
      .all(limit)
      .map((row) => ({
        seq: Number(row['seq']),
        at: Number(row['at']),
        kind: row['kind'] as JournalKind,
        who: String(row['who']),
        body: JSON.parse(String(row['body'])) as JournalEntry['body'],
      }))
  }

  #last(): { seq: number; hash: Uint8Array } {
    const row = prepared(this.#database, 'SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1').get()
    return row === undefined
      ? { seq: 0, hash: CHAIN_START }
      : { seq: Number(row['seq']), hash: row['hash'] as Uint8Array }
  }
}
