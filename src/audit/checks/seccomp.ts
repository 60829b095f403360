import { type Check, eachContainer, quoted } from '../check.ts'

export const check: Check = {
  id: 'seccomp',
  cis: '5.22',
  area: 'containers',
  severity: 'high',
  title: 'System calls of every container are filtered',
  flaw: 'System calls of a container are not filtered',
  why: 'Unconfined, each hole of each system call is within its reach: most kernel escapes need one that the default filter denies.',
  judge: (facts) =>
    eachContainer(facts, ({ hostConfig, running, name }) => {
      if (hostConfig.privileged) return null // Said there.
      const configured = hostConfig.securityOptions.some((each) => /^seccomp[=:]unconfined$/.test(each))
      if (!configured && running?.seccomp !== 0) return null
      return {
        evidence: configured ? 'started with seccomp=unconfined' : 'runs without a filter',
        remedy: `start ${quoted(name)} again without --security-opt seccomp=unconfined`,
      }
    }),
}
