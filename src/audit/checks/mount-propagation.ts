import { type Check, eachContainer, quoted } from '../check.ts'

export const check: Check = {
  id: 'mount-propagation',
  cis: '5.20',
  area: 'containers',
  severity: 'medium',
  title: 'What a container mounts does not appear on the host',
  flaw: 'What a container mounts appears on the host',
  why: 'With shared propagation a mount made inside, over /usr for one, is made on the host too.',
  judge: (facts) =>
    eachContainer(facts, ({ mounts, name }) => {
      const shared = mounts
        .filter(({ propagation }) => /^r?shared$/.test(propagation))
        .map(({ source }) => source)
      return shared.length === 0
        ? null
        : {
            evidence: `shared: ${shared.join(', ')}`,
            remedy: `start ${quoted(name)} again with rprivate propagation`,
            details: shared,
          }
    }),
}
