import { type Check, eachContainer, quoted } from '../check.ts'

export const check: Check = {
  id: 'host-users',
  cis: '5.31',
  area: 'containers',
  severity: 'high',
  title: 'No container opts out of user namespaces',
  flaw: 'A container opts out of user namespaces',
  why: 'Where the engine maps ids, --userns host takes that wall away for one container: its root is root here.',
  judge: (facts) =>
    eachContainer(facts, ({ hostConfig, running, name }) => {
      const maps = facts.engine.ok && facts.engine.value.usernsRemap
      return maps && (hostConfig.usernsMode === 'host' || running?.remapped === false)
        ? {
            evidence: 'started with --userns host',
            remedy: `start ${quoted(name)} again without --userns host`,
          }
        : null
    }),
}
