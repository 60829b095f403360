import type { Guard } from '../guard.ts'
import type { RateLimit } from '../rate.ts'
import { acknowledgeAlerts } from './acknowledge.ts'
import { activity } from './activity.ts'
import { alert } from './alert.ts'
import { alerts } from './alerts.ts'
import { backup } from './backup.ts'
import { container } from './container.ts'
import { events } from './events.ts'
import { evidenceApi, evidencePage } from './evidence.ts'
import { files } from './files.ts'
import { healthz } from './healthz.ts'
import { loginRoutes } from './login.ts'
import { metrics } from './metrics.ts'
import { openapi } from './openapi.ts'
import { overview } from './overview.ts'
import { endPauseEarly, pauseAlerts } from './pauses.ts'
import type { Route } from './route.ts'
import { sweep } from './sweep.ts'
import { system } from './system.ts'
import { testChannel } from './test-channel.ts'

/** All that watch answers; each row says who may ask. */
export function routeTable(guard: Guard, loginFailures: RateLimit): readonly Route[] {
  const routes: readonly Route[] = [
    overview,
    alerts,
    acknowledgeAlerts,
    alert,
    evidencePage,
    evidenceApi,
    container,
    activity,
    system,
    pauseAlerts,
    endPauseEarly,
    testChannel,
    sweep,
    backup,
    events,
    healthz,
    metrics,
    openapi(() => routes),
    ...loginRoutes(guard, loginFailures),
    ...files,
  ]
  return routes
}
