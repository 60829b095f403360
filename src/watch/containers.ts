import { listPauses } from '../alerts/pauses.ts'
import { openByContainer } from '../alerts/query.ts'
import type { ContainerStatus } from '../protocol/answers.ts'
import type { Severity } from '../protocol/findings.ts'
import type { Watch } from './watch.ts'

/** A container as lists show it: what the sensor knows, and what is open about it. */
export interface ContainerLine extends Omit<ContainerStatus, 'container'> {
  readonly id: string
  readonly name: string
  readonly image: string
  readonly engine: string
  readonly openAlerts: number
  readonly worstAlert: Severity | null
  readonly pausedUntil: string | null
}

/** Those that need a look first, then by name. */
export function containerLines({ monitor, store, now }: Watch): ContainerLine[] {
  const open = openByContainer(store.database)
  const pauses = listPauses(store.database, now()).filter(({ active }) => active)
  return monitor.containers
    .map(({ container, ...status }) => ({
      ...container,
      ...status,
      openAlerts: open.get(container.name)?.count ?? 0,
      worstAlert: open.get(container.name)?.worst ?? null,
      pausedUntil: pauses.find((pause) => pause.container === container.name)?.until ?? null,
    }))
    .sort((a, b) => Number(b.openAlerts > 0) - Number(a.openAlerts > 0) || a.name.localeCompare(b.name))
}
