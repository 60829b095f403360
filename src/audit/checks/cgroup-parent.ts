import { type Check, eachContainer, quoted } from '../check.ts'

export const check: Check = {
  id: 'cgroup-parent',
  cis: '5.25',
  area: 'containers',
  severity: 'low',
  title: "The container lives in the engine's cgroup",
  flaw: "A container lives in another cgroup than the engine's",
  why: 'Elsewhere it shares the limits of whatever else lives there.',
  judge: (facts) =>
    eachContainer(facts, ({ hostConfig, name }) =>
      hostConfig.cgroupParent === '' ||
      /^(\/?docker|system\.slice|\/?libpod_parent|machine\.slice|user\.slice)$/.test(hostConfig.cgroupParent)
        ? null
        : {
            evidence: `cgroup parent ${hostConfig.cgroupParent}`,
            remedy: `start ${quoted(name)} again without --cgroup-parent`,
          },
    ),
}
