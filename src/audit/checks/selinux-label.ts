import { type Check, eachContainer, quoted } from '../check.ts'

export const check: Check = {
  id: 'selinux-label',
  cis: '5.3',
  area: 'containers',
  severity: 'medium',
  title: 'SELinux labels every container',
  flaw: 'SELinux does not label a container',
  why: 'Without its label a container may touch whatever file permissions allow.',
  judge: (facts) =>
    eachContainer(facts, ({ hostConfig, name }) => {
      if (!facts.kernel.ok || facts.kernel.value.selinux === 'off' || hostConfig.privileged) return null
      const off = hostConfig.securityOptions.some((each) =>
        /^label[=:](disable|type[=:](spc_t|unconfined_t))$/.test(each),
      )
      return off
        ? {
            evidence: 'its label is disabled',
            remedy: `start ${quoted(name)} again without --security-opt label=disable`,
          }
        : null
    }),
}
