import { type Check, host, verdict, withPart } from '../check.ts'

export const check: Check = {
  id: 'security-module',
  cis: null,
  area: 'daemon',
  severity: 'medium',
  title: 'A security module stands behind the containers',
  flaw: 'No security module stands behind the containers',
  why: "AppArmor or SELinux is the wall that still stands when a container has become root: it keeps it from the host's files and mounts.",
  judge: (facts) =>
    withPart(facts.kernel, host, ({ appArmor, selinux }) => {
      const options = facts.engine.ok ? facts.engine.value.securityOptions : null
      const uses = (name: string): boolean =>
        options === null || options.some((each) => new RegExp(`(^|,)name=${name}(,|$)`).test(each))
      if (selinux === 'enforcing' && uses('selinux')) return [verdict(host, null)]
      if (appArmor && uses('apparmor')) return [verdict(host, null)]
      if (selinux === 'enforcing')
        return [
          verdict(host, {
            evidence: 'SELinux is enforcing, but the engine does not label its containers',
            remedy: 'set "selinux-enabled": true in daemon.json and restart the engine',
          }),
        ]
      if (selinux === 'permissive')
        return [verdict(host, { evidence: 'SELinux only logs', remedy: 'setenforce 1' })]
      return [
        verdict(host, {
          evidence: appArmor
            ? 'AppArmor is there, but the engine does not use it'
            : 'neither AppArmor nor SELinux is in force',
          remedy: appArmor
            ? 'apt-get install apparmor, then restart the engine'
            : 'boot with AppArmor (apparmor=1 security=apparmor) or SELinux',
        }),
      ]
    }),
}
