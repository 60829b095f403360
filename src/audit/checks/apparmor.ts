import { type Check, eachContainer, quoted } from '../check.ts'

export const check: Check = {
  id: 'apparmor',
  cis: '5.2',
  area: 'containers',
  severity: 'medium',
  title: 'AppArmor confines every container',
  flaw: 'AppArmor does not confine a container',
  why: "The profile keeps a container's root from mounting, and from the files under /proc and /sys that steer the kernel.",
  judge: (facts) =>
    eachContainer(facts, ({ hostConfig, appArmorProfile, name }) => {
      if (!facts.kernel.ok || !facts.kernel.value.appArmor || hostConfig.privileged) return null
      const off =
        hostConfig.securityOptions.some((each) => /^apparmor[=:]unconfined$/.test(each)) ||
        appArmorProfile === 'unconfined'
      return off
        ? {
            evidence: 'unconfined',
            remedy: `start ${quoted(name)} again without --security-opt apparmor=unconfined`,
          }
        : null
    }),
}
