import type { Alert } from '../../alerts/alert.ts'
import { UserError } from '../../lib/errors.ts'
import { fetchAlerts } from '../alerts/fetch-alerts.ts'
import type { Io } from '../command.ts'

const PATIENCE_MS = 1000
const MOST = 10_000

/** Open alerts outside of maintenance; null where watch does not answer, or not soon: whoever looks waits no longer for it. */
export async function openAlerts(io: Io): Promise<readonly Alert[] | null> {
  const patience = AbortSignal.timeout(PATIENCE_MS)
  try {
    const open = await fetchAlerts(
      { ...io, signal: AbortSignal.any([io.signal, patience]) },
      'open',
      [],
      MOST,
    )
    return open.filter(({ maintenance }) => maintenance === null)
  } catch (error) {
    // An answer that breaks off in the middle is no sentence of watch's.
    if (error instanceof UserError || patience.aborted || io.signal.aborted) return null
    throw error
  }
}
