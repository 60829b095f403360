import { type Check, eachContainer, quoted } from '../check.ts'
import { noNewPrivileges } from '../container-view.ts'

export const check: Check = {
  id: 'no-new-privileges',
  cis: '5.26',
  area: 'containers',
  severity: 'medium',
  title: 'Programs in the container gain no rights',
  flaw: 'Programs in a container may gain rights',
  why: 'One setuid program makes any user of the container its root.',
  judge: (facts) =>
    eachContainer(facts, (container) => {
      const held = container.running?.noNewPrivileges ?? noNewPrivileges(container, facts)
      return held
        ? null
        : {
            evidence: 'no-new-privileges is not set',
            remedy: `start ${quoted(container.name)} again with --security-opt no-new-privileges`,
          }
    }),
}
