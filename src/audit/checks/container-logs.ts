import { type Check, eachContainer, quoted } from '../check.ts'

export const check: Check = {
  id: 'container-logs',
  cis: null,
  area: 'containers',
  severity: 'low',
  title: "The container's log is bounded",
  flaw: "A container's log is not bounded",
  why: "A container that was created before the daemon's limit keeps growing without one.",
  judge: (facts) =>
    eachContainer(facts, ({ hostConfig, name }) => {
      const { driver, options } = hostConfig.log
      return driver === 'json-file' && options['max-size'] === undefined
        ? {
            evidence: 'json-file without max-size',
            remedy: `start ${quoted(name)} again with --log-opt max-size=10m`,
          }
        : null
    }),
}
