import { constants, createWriteStream } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { UserError } from '../../lib/errors.ts'
import { defineCommand, type Io } from '../command.ts'
import { streamFromWatch } from './client.ts'

export const command = defineCommand({
  summary: 'copy the database while it is used',
  usage: ['alerts backup FILE'],
  description: `
Writes a consistent copy of alerts, findings and journal to FILE while watch goes on. 'paddock alerts verify FILE'
checks it; put in place of alerts.db in watch's state folder while watch is stopped, it is the database again.

Exit code: 0 written, 2 it could not be.`,
  options: {},
  examples: [['paddock alerts backup /srv/backup/alerts-$(date +%F).db', 'a copy of today']],
  arguments: { min: 1, max: 1 },
  async run({ positionals: [path = ''], io }) {
    const bytes = await fetchCopy(io, path)
    io.stderr.write(`${bytes} bytes written to ${path}\n`)
    return 0
  },
})

/** Fetches a copy to a new file that only its owner reads. @returns its size */
export async function fetchCopy(io: Io, path: string): Promise<number> {
  const response = await streamFromWatch(io, '/backup')
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  try {
    const file = await open(path, flags, 0o600)
    const stream = createWriteStream('', { fd: file })
    try {
      await pipeline(response, stream)
    } catch (error) {
      await rm(path, { force: true })
      throw error
    }
    return stream.bytesWritten
  } catch (error) {
    response.destroy()
    const reason = error instanceof Error ? error.message : String(error)
    throw new UserError(`cannot write the copy to ${path}: ${reason}`, { cause: error })
  }
}
