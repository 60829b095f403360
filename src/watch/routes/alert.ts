import type { AlertStory } from '../../alerts/alert.ts'
import { alertStory } from '../../alerts/story.ts'
import { HttpError } from '../exchange.ts'
import { alertPage } from '../pages/alert.ts'
import { defineView } from './route.ts'

export interface AlertAnswer {
  readonly version: 1
  readonly alert: AlertStory
}

export const alert = defineView<AlertAnswer>({
  page: '/alerts/:id',
  api: '/alerts/:id',
  right: 'read',
  summary: 'One alert as a story: timeline, processes, differences from the image, evidence',
  query: {},
  schema: 'AlertAnswer',
  data({ store }, { params }) {
    const story = alertStory(store.database, params['id'] ?? '')
    if (story === null) throw new HttpError(404, `there is no alert ${params['id'] ?? ''}`)
    return { version: 1, alert: story }
  },
  title: ({ alert: { id } }) => `Alert ${id}`,
  body: alertPage,
})
