import { send } from '../exchange.ts'
import type { Raw } from './route.ts'

export const healthz: Raw = {
  kind: 'raw',
  method: 'GET',
  path: '/healthz',
  right: 'local',
  summary: '`all ok` with 200, or one line of what is wrong with 503',
  contentType: 'text/plain',
  serve({ watch, response }) {
    const { ok, line } = watch.health()
    send(response, ok ? 200 : 503, 'text/plain; charset=utf-8', `${line}\n`)
  },
}
