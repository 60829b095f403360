import { type Check, eachContainer, quoted } from '../check.ts'

export const check: Check = {
  id: 'privileged',
  cis: '5.5',
  area: 'containers',
  severity: 'critical',
  title: 'No container is privileged',
  flaw: 'A container is privileged',
  why: 'A privileged container has every device and every capability and no filter: it is the host, with another name.',
  judge: (facts) =>
    eachContainer(facts, ({ hostConfig, name }) =>
      hostConfig.privileged
        ? {
            evidence: 'started with --privileged',
            remedy: `start ${quoted(name)} again without --privileged, with the one --cap-add or --device that it needs`,
          }
        : null,
    ),
}
