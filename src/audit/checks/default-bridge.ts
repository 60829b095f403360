import { type Check, eachContainer, quoted } from '../check.ts'

export const check: Check = {
  id: 'default-bridge',
  cis: '5.30',
  area: 'containers',
  severity: 'low',
  title: 'Containers use networks of their own',
  flaw: 'Containers meet on the default network',
  why: 'On the default bridge a container meets every other that was started without a thought.',
  judge: (facts) =>
    eachContainer(facts, ({ hostConfig, networks, name }) => {
      const docker = facts.engine.ok && facts.engine.value.kind === 'docker'
      return docker && (networks.includes('bridge') || ['default', 'bridge'].includes(hostConfig.networkMode))
        ? {
            evidence: 'attached to the default bridge',
            remedy: `docker network create NET, then start ${quoted(name)} again with --network NET`,
          }
        : null
    }),
}
