import type { Alert } from '../../alerts/alert.ts'
import type { ExecMode } from '../../policy/policy.ts'
import { policyOf } from '../../policy/store.ts'
import { type Severity, severities } from '../../protocol/findings.ts'
import { lastingName } from '../../services/containers.ts'
import type { ServiceStatus } from '../../services/status.ts'
import type { Io } from '../command.ts'
import { declaredPolicies } from '../policy-path.ts'
import { openAlerts } from './open-alerts.ts'

/** How many alerts are open, and how grave the worst is. */
export interface OpenAlerts {
  readonly open: number
  readonly worst: Severity | null
}

/** What Paddock's other parts know of the containers of a herd. */
export interface Watched {
  /** By container id. */
  exec(id: string): ExecMode
  /** By container name: alerts outlive containers. Null where watch does not say. */
  alerts(name: string): OpenAlerts | null
  /** Names of containers of a project that are gone and have open alerts. */
  gone(status: ServiceStatus): readonly string[]
}

export async function watchedState(status: readonly ServiceStatus[], io: Io): Promise<Watched> {
  const declarations = declaredPolicies(undefined, io.env)
  const containers = status.flatMap((one) => one.containers)
  const modes = new Map(
    containers.map((container) => [
      container.id,
      policyOf(container, container.labels, declarations).policy.exec,
    ]),
  )
  const open = await openAlerts(io)
  const byName = open === null ? null : Map.groupBy(open, ({ container }) => lastingName(container ?? ''))
  return {
    exec: (id) => modes.get(id) ?? 'alert',
    alerts: (name) => (byName === null ? null : summary(byName.get(name) ?? [])),
    gone: ({ project, containers: present }) =>
      [...(byName?.keys() ?? [])]
        .filter((name) => name.startsWith(`${project}-`) && !present.some((one) => one.name === name))
        .sort(),
  }
}

function summary(alerts: readonly Alert[]): OpenAlerts {
  const worst = Math.max(-1, ...alerts.map(({ severity }) => severities.indexOf(severity)))
  return { open: alerts.length, worst: severities[worst] ?? null }
}
