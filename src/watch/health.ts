import { channelStates } from '../alerts/outbox.ts'
import { openCounts } from '../alerts/query.ts'
import { severities } from '../protocol/findings.ts'
import type { Watch } from './watch.ts'

export interface Health {
  readonly ok: boolean
  /** "all ok", or what is wrong, worst first, in one line. Nothing that a container chose is in it. */
  readonly line: string
  readonly problems: readonly Problem[]
}

export interface Problem {
  /** `sensor`: what happens now may go unseen. `alerts`: something was seen. `watch`: telling or storing fails. */
  readonly kind: 'sensor' | 'alerts' | 'watch'
  readonly text: string
}

/** No sweep for so long: the truth that events are checked against is old. */
const OLD_SWEEP_MS = 20 * 60_000
/** No answer to `status` for so long, though the sensor sends heartbeats. */
const OLD_STATUS_MS = 30_000
const BEHIND_FINDINGS = 2000

/** Whether all is well: nothing open, the sensor sees, and what it finds is stored and told. */
export function health(watch: Omit<Watch, 'health'>): Health {
  const problems = [
    ...sensorProblems(watch),
    ...storeProblems(watch),
    ...alertProblems(watch),
    ...channelProblems(watch),
  ]
  const ok = problems.length === 0
  return { ok, line: ok ? 'all ok' : problems.map(({ text }) => text).join('; '), problems }
}

function sensorProblems({ sensor, monitor, now }: Omit<Watch, 'health'>): Problem[] {
  const problem = (text: string): Problem => ({ kind: 'sensor', text })
  if (sensor.silentSince !== null) {
    return [problem(`the sensor is silent since ${new Date(sensor.silentSince).toISOString()}`)]
  }
  const { status } = monitor
  if (status === null) return [problem('the sensor has not told its state yet')]
  const problems: Problem[] = []
  if (now() - Date.parse(status.at) > OLD_STATUS_MS)
    problems.push(problem('the sensor does not tell its state'))
  const lost = status.parts.filter(({ state }) => state === 'lost')
  if (lost.length > 0)
    problems.push(problem(`the sensor has lost ${lost.map(({ name }) => name).join(', ')}`))
  if (status.selfTest === null) problems.push(problem('the sensor has not tested itself yet'))
  else if (!status.selfTest.ok) problems.push(problem('the sensor is blind: its self-test failed'))
  const sweptAt = Date.parse(status.lastSweep?.at ?? status.startedAt)
  if (now() - sweptAt > OLD_SWEEP_MS)
    problems.push(problem(`no sweep since ${new Date(sweptAt).toISOString()}`))
  const behind = status.spool.next - 1 - status.spool.acked
  if (behind > BEHIND_FINDINGS) problems.push(problem(`${behind} findings wait in the sensor's spool`))
  if (status.spool.lost > 0) problems.push(problem(`${status.spool.lost} findings could not be kept`))
  return problems
}

function storeProblems({ sensor }: Omit<Watch, 'health'>): Problem[] {
  return sensor.storeProblem === null
    ? []
    : [{ kind: 'watch', text: `findings cannot be stored: ${sensor.storeProblem}` }]
}

function alertProblems({ store }: Omit<Watch, 'health'>): Problem[] {
  const counts = openCounts(store.database)
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
  const worst = severities.findLast((severity) => counts[severity] > 0)
  if (worst === undefined) return []
  const text =
    total === 1 ? `1 open alert (${worst})` : `${total} open alerts, ${counts[worst]} of them ${worst}`
  return [{ kind: 'alerts', text }]
}

function channelProblems({ store, channels }: Omit<Watch, 'health'>): Problem[] {
  const states = channelStates(
    store.database,
    channels.map(({ name }) => name),
  )
  return states
    .filter(({ failures }) => failures >= 3)
    .map(({ name, waiting }) => ({ kind: 'watch', text: `channel ${name} fails, ${waiting} notices wait` }))
}
