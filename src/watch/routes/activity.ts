import { activity as found, type Activity } from '../../alerts/activity.ts'
import { activityPage } from '../pages/activity.ts'
import { hoursOf } from './container.ts'
import { defineView } from './route.ts'

export interface ActivityAnswer extends Activity {
  readonly version: 1
  readonly hours: number
}

export const activity = defineView<ActivityAnswer>({
  page: '/activity',
  api: '/activity',
  right: 'read',
  summary: 'What was found over time, container by container',
  query: { hours: 'how far back; 24 when absent' },
  schema: 'ActivityAnswer',
  data({ store, now }, { query }) {
    const hours = hoursOf(query['hours'])
    return { version: 1, hours, ...found(store.database, hours, now()) }
  },
  title: () => 'Activity',
  body: activityPage,
})
