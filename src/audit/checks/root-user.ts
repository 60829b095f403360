import { type Check, eachContainer, quoted } from '../check.ts'
import { containerView } from '../container-view.ts'

export const check: Check = {
  id: 'root-user',
  cis: '4.1',
  area: 'containers',
  severity: 'medium',
  title: "The container's program is not root",
  flaw: "A container's program is root",
  why: 'Root in a container owns all of its files, has its capabilities, and without user namespaces is root on the host once it is out.',
  judge: (facts) =>
    eachContainer(facts, (container) => {
      const view = containerView(container, facts)
      if (view.becomesRoot !== 'is') return null
      return {
        evidence: view.remapped
          ? `runs as its root, which is uid ${view.rootUid < 0 ? 'of nobody' : view.rootUid} on the host`
          : 'runs as root, which is root on the host',
        severity: view.remapped ? 'info' : 'medium',
        remedy: `give its image a USER, or start ${quoted(container.name)} again with --user`,
      }
    }),
}
