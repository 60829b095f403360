import { beginPause, endPause, type Pause } from '../../alerts/pauses.ts'
import { parseDuration } from '../../lib/duration.ts'
import { one } from '../exchange.ts'
import type { Action } from './route.ts'

export interface PauseAnswer {
  readonly version: 1
  readonly pause: Pause
}

export const pauseAlerts: Action = {
  kind: 'action',
  page: '/pauses',
  api: '/pauses',
  right: 'act',
  summary: 'Begin a maintenance window: what is found is recorded and marked, nobody is told',
  fields: {
    container: { type: 'text', required: true, help: "the container's name" },
    for: { type: 'text', required: true, help: 'how long, "30m"' },
    reason: { type: 'text', required: true, help: 'what is being done; it is recorded' },
  },
  schema: 'PauseAnswer',
  act({ store, now, live }, _params, input, who): PauseAnswer {
    const pause = beginPause(store.database, store.journal, {
      container: one(input, 'container').slice(0, 256),
      forMs: parseDuration(one(input, 'for')),
      reason: one(input, 'reason'),
      who,
      at: now(),
    })
    live.changed()
    return { version: 1, pause }
  },
  next: (_params, input) => `/containers/${encodeURIComponent(one(input, 'container'))}`,
}

export const endPauseEarly: Action = {
  kind: 'action',
  page: '/pauses/:id/end',
  api: '/pauses/:id/end',
  right: 'act',
  summary: 'End a maintenance window before its time',
  fields: {},
  schema: 'PauseAnswer',
  act({ store, now, live }, params, _input, who): PauseAnswer {
    const pause = endPause(store.database, store.journal, params['id'] ?? '', who, now())
    live.changed()
    return { version: 1, pause }
  },
  next: () => '/system',
}
