import { createReadStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { copyDatabase } from '../../alerts/database.ts'
import type { Exchange } from '../exchange.ts'
import type { Raw } from './route.ts'

/** A copy that is consistent though findings go on being stored; it is made in watch's state folder, sent and removed. */
export const backup: Raw = {
  kind: 'raw',
  method: 'GET',
  path: '/api/v1/backup',
  right: 'act',
  summary: 'A consistent copy of the alerts database (SQLite)',
  contentType: 'application/vnd.sqlite3',
  async serve({ watch, response }: Exchange): Promise<void> {
    const folder = await mkdtemp(join(watch.stateDir, 'backup-'))
    try {
      const file = join(folder, 'alerts.db')
      await copyDatabase(watch.store.database, file)
      const { size } = await stat(file)
      response.writeHead(200, {
        'content-type': 'application/vnd.sqlite3',
        'content-disposition': 'attachment; filename="alerts.db"',
        'content-length': size,
      })
      if (response.req.method === 'HEAD') response.end()
      else await pipeline(createReadStream(file), response)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}
