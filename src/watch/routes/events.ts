import { HttpError } from '../exchange.ts'
import type { Raw } from './route.ts'

export const events: Raw = {
  kind: 'raw',
  method: 'GET',
  path: '/events',
  right: 'read',
  summary: 'Server-sent events: `changed` when what was shown may be stale',
  contentType: 'text/event-stream',
  serve({ watch, response, access }) {
    const reader = access?.who ?? ''
    if (watch.live.isFull(reader))
      throw new HttpError(503, 'too many pages are open', { 'retry-after': '30' })
    response.writeHead(200, { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' })
    // The server's own bound on idle connections is for requests; this one is kept alive by its heartbeat.
    response.socket?.setTimeout(0)
    watch.live.add(response, reader)
  },
}
