import { type Check, eachContainer, quoted } from '../check.ts'

export const check: Check = {
  id: 'masked-paths',
  cis: null,
  area: 'containers',
  severity: 'high',
  title: "The kernel's files are masked in every container",
  flaw: "The kernel's files are open to a container",
  why: "Unmasked, /proc and /sys offer a container's root what steers the kernel: core_pattern, sysrq, firmware.",
  judge: (facts) =>
    eachContainer(facts, ({ hostConfig, name }) =>
      hostConfig.systemPathsUnmasked && !hostConfig.privileged
        ? {
            evidence: 'started with systempaths=unconfined',
            remedy: `start ${quoted(name)} again without --security-opt systempaths=unconfined`,
          }
        : null,
    ),
}
