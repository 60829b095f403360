import { send } from '../exchange.ts'
import { metricsText } from '../metrics.ts'
import type { Raw } from './route.ts'

export const metrics: Raw = {
  kind: 'raw',
  method: 'GET',
  path: '/metrics',
  right: 'local',
  summary: 'For Prometheus, in its text format',
  contentType: 'text/plain',
  serve({ watch, response }) {
    send(response, 200, 'text/plain; version=0.0.4; charset=utf-8', metricsText(watch))
  },
}
