import { type Check, eachContainer, quoted, severityRank } from '../check.ts'
import { containerView } from '../container-view.ts'
import type { Severity } from '../../protocol/findings.ts'
import type { Reach } from '../facts.ts'

/** What each kind of place is worth, writable and read-only; null is no finding. */
const WORTH: Readonly<
  Record<
    Reach['what'],
    { readonly writable: Severity; readonly readOnly: Severity | null; readonly gives: string }
  >
> = {
  socket: { writable: 'critical', readOnly: 'critical', gives: '' },
  root: { writable: 'critical', readOnly: 'high', gives: 'all files of the host' },
  system: { writable: 'high', readOnly: 'medium', gives: 'accounts, keys and start-up of the host' },
  proc: { writable: 'critical', readOnly: 'medium', gives: "the kernel's switches and every process" },
  sys: { writable: 'high', readOnly: 'low', gives: "the kernel's devices and switches" },
  dev: { writable: 'high', readOnly: 'medium', gives: 'devices of the host' },
  'data-root': { writable: 'critical', readOnly: 'high', gives: 'files and secrets of every container' },
  programs: { writable: 'critical', readOnly: null, gives: 'programs that root runs' },
  homes: { writable: 'high', readOnly: 'medium', gives: 'keys and profiles of people' },
  runtime: { writable: 'high', readOnly: 'high', gives: 'the control of services or containers' },
}

export const check: Check = {
  id: 'host-mounts',
  cis: '5.6',
  area: 'containers',
  severity: 'high',
  title: 'No container is given folders that the host lives by',
  flaw: 'A container is given folders that the host lives by',
  why: 'What root on the host reads or runs, a container must not write; what only root may read, it must not see.',
  judge: (facts) =>
    eachContainer(facts, (container) => {
      const judged = container.reaches.flatMap((reach) => {
        const severity =
          reach.what === 'socket' ? null : WORTH[reach.what][reach.writable ? 'writable' : 'readOnly']
        return severity === null ? [] : [{ reach, severity }]
      })
      const [worst] = [...judged].sort(
        (one, other) => severityRank(other.severity) - severityRank(one.severity),
      )
      if (worst === undefined) return null
      // A remapped root owns nothing there and writes only what everyone may.
      const softened =
        containerView(container, facts).remapped && severityRank(worst.severity) > 2
          ? 'medium'
          : worst.severity
      return {
        severity: softened,
        evidence: judged
          .map(
            ({ reach }) =>
              `${reach.path} at ${reach.target}, ${reach.writable ? 'writable' : 'read-only'}: ${WORTH[reach.what].gives}`,
          )
          .join('; '),
        remedy: `start ${quoted(container.name)} again without the mount of ${[...new Set(judged.map(({ reach }) => reach.source))].join(', ')}`,
        details: judged.map(({ reach }) => `${reach.path} ${reach.writable ? 'rw' : 'ro'}`),
      }
    }),
}
