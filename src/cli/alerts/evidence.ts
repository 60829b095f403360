import { createHash } from 'node:crypto'
import { constants, createWriteStream } from 'node:fs'
import { mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { AlertEvidence, AlertStory } from '../../alerts/alert.ts'
import { UserError } from '../../lib/errors.ts'
import { defineCommand, type Io } from '../command.ts'
import { askWatch, streamFromWatch } from './client.ts'

export const command = defineCommand({
  summary: 'fetch the captured files of an alert',
  usage: ['alerts evidence ID -o PATH'],
  description: `
Writes the file that was captured to PATH, or makes a folder PATH with the files named by their SHA-256 when there
are several. Nothing that exists is overwritten, nothing is made executable, and each file's hash is checked. The
bytes are an intruder's: do not run or open them on a machine that matters.

Exit code: 0 written, 2 there is nothing or it could not be written.`,
  options: { output: { type: 'string', short: 'o', value: 'PATH', help: 'where to write' } },
  examples: [['paddock alerts evidence 17 -o dropped.bin', 'the program that alert 17 is about']],
  arguments: { min: 1, max: 1 },
  async run({ positionals: [id = ''], options, io }) {
    const target = options.output
    if (target === undefined)
      throw new UserError('cannot write evidence: no place was named', { hint: 'add -o PATH' })
    const { alert } = await askWatch<{ alert: AlertStory }>(io, `/alerts/${encodeURIComponent(id)}`)
    const [first, ...others] = alert.evidence
    if (first === undefined)
      throw new UserError(`alert ${id} has no evidence: no file's content was captured`)
    if (others.length === 0) await fetchFile(io, id, first, target)
    else {
      await makeFolder(target)
      for (const file of alert.evidence) await fetchFile(io, id, file, join(target, file.sha256))
    }
    io.stderr.write(
      `${alert.evidence.length === 1 ? '1 file' : `${alert.evidence.length} files`} written to ${target}\n`,
    )
    return 0
  },
})

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    throw cannotWrite(path, error)
  }
}

async function fetchFile(io: Io, id: string, { sha256 }: AlertEvidence, path: string): Promise<void> {
  const response = await streamFromWatch(io, `/alerts/${id}/evidence/${sha256}`)
  // Never through a link that somebody put there.
  const file = await open(
    path,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o600,
  ).catch((error: unknown) => {
    response.destroy()
    throw cannotWrite(path, error)
  })
  const hash = createHash('sha256')
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk)
      done(null, chunk)
    },
  })
  try {
    await pipeline(response, hashing, createWriteStream('', { fd: file }))
    if (hash.digest('hex') !== sha256) throw new Error('what came is not what its hash says')
  } catch (error) {
    await rm(path, { force: true })
    throw cannotWrite(path, error)
  }
}

function cannotWrite(path: string, error: unknown): UserError {
  const reason = error instanceof Error ? error.message : String(error)
  return new UserError(`cannot write evidence to ${path}: ${reason}`, { cause: error })
}
