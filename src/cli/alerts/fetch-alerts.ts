import type { Alert, AlertState } from '../../alerts/alert.ts'
import type { Io } from '../command.ts'
import { askWatch } from './client.ts'

const PAGE = 500

/** Watch's alerts in a state, the one with the latest finding first. */
export async function fetchAlerts(
  io: Io,
  state: AlertState,
  filter: readonly (readonly [string, string])[],
  max: number,
): Promise<Alert[]> {
  const found: Alert[] = []
  let before: string | null = null
  do {
    const query = new URLSearchParams([
      ['state', state],
      ['limit', String(PAGE)],
      ...filter.map(([...pair]) => pair),
    ])
    if (before !== null) query.set('before', before)
    const page: { alerts: Alert[]; nextBefore: string | null } = await askWatch(
      io,
      `/alerts?${query.toString()}`,
    )
    found.push(...page.alerts)
    before = page.nextBefore
  } while (before !== null && found.length < max)
  return found.slice(0, max)
}
