import { type Check, eachContainer, quoted } from '../check.ts'

export const check: Check = {
  id: 'restart-policy',
  cis: '5.15',
  area: 'containers',
  severity: 'info',
  title: 'A container that keeps failing is not restarted for ever',
  flaw: 'A container that keeps failing is restarted for ever',
  why: 'Endless restarts hide that something is wrong, and give an attack as many tries as it likes.',
  judge: (facts) =>
    eachContainer(facts, ({ hostConfig, name }) => {
      const { name: policy, maximumRetryCount } = hostConfig.restartPolicy
      const endless =
        policy === 'always' ||
        policy === 'unless-stopped' ||
        (policy === 'on-failure' && (maximumRetryCount === 0 || maximumRetryCount > 5))
      return endless
        ? {
            evidence: `restart policy ${policy}${policy === 'on-failure' ? `:${maximumRetryCount}` : ''}`,
            remedy: `${facts.engine.ok ? facts.engine.value.kind : 'docker'} update --restart on-failure:5 ${quoted(name)}`,
          }
        : null
    }),
}
