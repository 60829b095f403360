import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabaseReadOnly } from '../../alerts/database.ts'
import type { JournalHead } from '../../alerts/journal.ts'
import { type Verification, verify } from '../../alerts/verify.ts'
import { UserError } from '../../lib/errors.ts'
import { printable } from '../../lib/printable.ts'
import { defineCommand, type Io, shared } from '../command.ts'
import { fetchCopy } from './backup.ts'

export const command = defineCommand({
  summary: 'has anything of the record been changed?',
  usage: ['alerts verify [FILE] [--head ENTRY:HASH] [--json]'],
  description: `
Computes the hash chains of journal and findings anew, and holds alerts and acknowledgements against them: any edit
is named. It does so here, on a copy (or on FILE, a backup), and trusts nothing that watch says of itself. With the
journal's last entry from an earlier check, or from any notification, it also shows that nothing was cut off.

Exit code: 0 nothing was changed, 1 something was, 2 it could not be checked.`,
  options: {
    head: {
      type: 'string',
      value: 'ENTRY:HASH',
      help: 'an entry of the journal noted earlier, like 812:9f86…',
    },
    json: shared.json,
  },
  examples: [
    ['paddock alerts verify', 'checks, and prints the head to keep elsewhere'],
    ['paddock alerts verify --head 812:9f86…', 'and nothing was cut off since'],
  ],
  arguments: { min: 0, max: 1 },
  async run({ positionals: [file], options, io }) {
    const head = options.head === undefined ? null : parseHead(options.head)
    const result = file === undefined ? await verifyCopy(io, head) : verifyFile(file, head)
    io.stdout.write(options.json === true ? `${JSON.stringify({ version: 1, ...result })}\n` : text(result))
    return result.ok ? 0 : 1
  },
})

async function verifyCopy(io: Io, head: JournalHead | null): Promise<Verification> {
  const folder = await mkdtemp(join(tmpdir(), 'paddock-verify-'))
  try {
    const file = join(folder, 'alerts.db')
    await fetchCopy(io, file)
    return verifyFile(file, head)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function verifyFile(file: string, head: JournalHead | null): Verification {
  using database = openDatabaseReadOnly(file)
  return verify(database, head)
}

function parseHead(text: string): JournalHead {
  const match = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text)
  if (match?.[2] === undefined) {
    throw new UserError(`'${text}' is not an entry of the journal`, {
      hint: 'write its number, a colon and its hash, as `paddock alerts verify` prints them',
    })
  }
  return { seq: Number(match[1]), hash: match[2] }
}

function text({ ok, problems, entries, findings, head }: Verification): string {
  return [
    ...problems.map((problem) => printable(problem)),
    ok ? `Nothing was changed: ${entries} journal entries, ${findings} findings.` : 'The record was changed.',
    `Head: ${head.seq}:${head.hash}`,
    '',
  ].join('\n')
}
