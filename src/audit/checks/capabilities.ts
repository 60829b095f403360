import { CAPABILITIES, capabilitiesAdded, capabilitiesIn } from '../capability.ts'
import { type Check, eachContainer, quoted, severityRank } from '../check.ts'
import { containerView } from '../container-view.ts'

export const check: Check = {
  id: 'capabilities',
  cis: '5.4',
  area: 'containers',
  severity: 'high',
  title: 'No container has capabilities beyond the default',
  flaw: 'A container has capabilities beyond the default',
  why: 'Each of them is a piece of root; some are all of it.',
  judge: (facts) =>
    eachContainer(facts, (container) => {
      const { hostConfig, running, name } = container
      if (hostConfig.privileged) return null // Said there.
      const found = [
        ...new Set([...capabilitiesAdded(hostConfig.capAdd), ...capabilitiesIn(running?.bounding ?? 0n)]),
      ]
      if (found.length === 0) return null
      const worst = found
        .map((each) => CAPABILITIES[each]?.severity ?? 'low')
        .reduce((one, other) => (severityRank(other) > severityRank(one) ? other : one))
      const severity = containerView(container, facts).remapped && severityRank(worst) > 2 ? 'medium' : worst
      const told =
        found.length > 12
          ? `all ${found.length} of them`
          : found.map((each) => `CAP_${each} (${CAPABILITIES[each]?.gives ?? ''})`).join(', ')
      return {
        evidence: told,
        severity,
        remedy: `start ${quoted(name)} again without ${found.length > 12 ? '--cap-add ALL' : found.map((each) => `--cap-add ${each}`).join(' ')}`,
        details: found,
      }
    }),
}
