import { findingShape } from '../../protocol/finding-shape.ts'
import type { Finding } from '../../protocol/findings.ts'
import { fitFinding } from '../../protocol/fit.ts'
import type { NewFinding } from '../ports.ts'

/**
 * The finding as it stays for good: numbered, stamped, within the protocol's bounds. One that does not
 * have the shape is a bug of ours, but must neither be lost in silence nor upset watch each time it is sent.
 */
export function sealFinding(finding: NewFinding, number: number): Finding {
  const sealed = stamp(finding, number)
  const problem = findingShape.check(sealed, 'finding')
  if (problem === null) return sealed
  return stamp(
    {
      kind: 'trouble',
      source: 'sensor',
      severity: 'high',
      reasons: ['malformed-finding'],
      summary: `a finding had not the shape that it must have (${problem}); please report this as a bug`,
      container: null,
      group: 'sensor/malformed-finding',
      count: 1,
      details: { problem, summary: finding.summary },
    },
    number,
  )
}

function stamp(finding: NewFinding, number: number): Finding {
  const { at = new Date().toISOString(), ...rest } = finding
  return fitFinding({ version: 1, number, at, ...rest })
}
