import { alertEvidence } from '../../alerts/story.ts'
import { type Exchange, HttpError } from '../exchange.ts'
import type { Raw } from './route.ts'

/**
 * The captured bytes, from the sensor's store in chunks. Whatever they are, the browser is told that they are bytes
 * to be saved, under a name of ours: nothing that a container chose is in a header.
 */
function evidence(path: string): Raw {
  return {
    kind: 'raw',
    method: 'GET',
    path,
    right: 'read',
    summary: 'One captured file, as it was',
    contentType: 'application/octet-stream',
    serve,
  }
}

export const evidencePage = evidence('/alerts/:id/evidence/:sha256')
export const evidenceApi = evidence('/api/v1/alerts/:id/evidence/:sha256')

async function serve({ watch, params, response }: Exchange): Promise<void> {
  const { id = '', sha256 = '' } = params
  const files = /^\d{1,15}$/.test(id) ? alertEvidence(watch.store.database, id) : []
  const file = files.find((known) => known.sha256 === sha256)
  if (file === undefined) throw new HttpError(404, 'this alert has no such evidence')
  let { size, base64 } = await watch.sensor.ask('evidence', { sha256, offset: 0 })
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-disposition': `attachment; filename="evidence-${id}-${sha256.slice(0, 16)}.bin"`,
    'content-length': size,
  })
  if (response.req.method === 'HEAD') {
    response.end()
    return
  }
  for (let offset = 0; ;) {
    const chunk = Buffer.from(base64, 'base64')
    offset += chunk.length
    if (!response.write(chunk) && !(await drained(response))) return
    if (offset >= size || chunk.length === 0) break
    const next = await watch.sensor.ask('evidence', { sha256, offset })
    ;({ size, base64 } = next)
  }
  response.end()
}

/** @returns false when the reader went away, or reads nothing for so long that the server closed on it */
function drained(response: Exchange['response']): Promise<boolean> {
  return new Promise((resolve) => {
    const done = (drainedNow: boolean) => () => {
      response.off('drain', onDrain).off('close', onClose)
      resolve(drainedNow)
    }
    const onDrain = done(true)
    const onClose = done(false)
    response.on('drain', onDrain).on('close', onClose)
  })
}
