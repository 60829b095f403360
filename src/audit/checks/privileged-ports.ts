import { type Check, eachContainer, quoted } from '../check.ts'

export const check: Check = {
  id: 'privileged-ports',
  cis: '5.8',
  area: 'containers',
  severity: 'info',
  title: 'No privileged port of the host is published',
  flaw: 'Privileged ports of the host are published',
  why: 'Ports below 1024 are trusted to be served by root.',
  judge: (facts) =>
    eachContainer(facts, ({ hostConfig, name }) => {
      const low = [
        ...new Set(
          hostConfig.ports
            .filter(({ hostPort }) => hostPort > 0 && hostPort < 1024)
            .map(({ hostPort }) => hostPort),
        ),
      ]
      return low.length === 0
        ? null
        : {
            evidence: `publishes ${low.join(', ')}`,
            remedy: `start ${quoted(name)} again with a port above 1023`,
            details: low.map(String),
          }
    }),
}
