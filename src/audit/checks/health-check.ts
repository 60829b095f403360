import { type Check, eachContainer, quoted } from '../check.ts'

export const check: Check = {
  id: 'health-check',
  cis: '5.27',
  area: 'containers',
  severity: 'low',
  title: 'The engine can tell whether the service is well',
  flaw: 'The engine cannot tell whether a service is well',
  why: 'Without a health check a service that hangs counts as running.',
  judge: (facts) =>
    eachContainer(facts, ({ hostConfig, health, name }) => {
      const command = hostConfig.healthCheck
      const none = health === 'none' && (command === null || command.length === 0 || command[0] === 'NONE')
      return none
        ? {
            evidence: 'no health check',
            remedy: `give its image a HEALTHCHECK, or start ${quoted(name)} again with --health-cmd`,
          }
        : null
    }),
}
