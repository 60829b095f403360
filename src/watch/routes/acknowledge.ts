import { acknowledge } from '../../alerts/acknowledge.ts'
import { alertById } from '../../alerts/query.ts'
import { UserError } from '../../lib/errors.ts'
import { HttpError, one } from '../exchange.ts'
import type { Action } from './route.ts'

const MAX_ALERTS = 500

export interface Acknowledged {
  readonly version: 1
  readonly acknowledged: readonly string[]
  /** Those that could not be, and why: another person was faster. */
  readonly failed: readonly { readonly id: string; readonly error: string }[]
}

export const acknowledgeAlerts: Action = {
  kind: 'action',
  page: '/alerts/acknowledge',
  api: '/alerts/acknowledge',
  right: 'act',
  summary: 'Acknowledge alerts, with a reason',
  fields: {
    id: { type: 'texts', required: true, help: 'one alert or several' },
    reason: { type: 'text', required: true, help: 'why this is all right; it is recorded' },
  },
  schema: 'Acknowledged',
  act(watch, _params, input, who): Acknowledged {
    const { store, now } = watch
    const ids = [...new Set(input['id'] ?? [])]
    if (ids.length === 0) throw new HttpError(400, 'no alert was chosen')
    if (ids.length > MAX_ALERTS) throw new HttpError(400, `at most ${MAX_ALERTS} alerts at once`)
    const reason = one(input, 'reason')
    const acknowledged: string[] = []
    const failed: { id: string; error: string }[] = []
    for (const id of ids) {
      try {
        const evidence = acknowledge(store.database, store.journal, id, { who, reason, at: now() })
        const alert = alertById(store.database, id)
        if (alert !== null) watch.acknowledged(alert, evidence)
        acknowledged.push(id)
      } catch (error) {
        if (!(error instanceof UserError) || ids.length === 1) throw error
        failed.push({ id, error: error.message })
      }
    }
    if (acknowledged.length === 0) throw new UserError(failed[0]?.error ?? 'nothing was acknowledged')
    return { version: 1, acknowledged, failed }
  },
  next: (_params, input) =>
    input['id']?.length === 1 ? `/alerts/${encodeURIComponent(one(input, 'id'))}` : '/alerts',
}
