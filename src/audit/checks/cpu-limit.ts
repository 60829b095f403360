import { type Check, eachContainer, quoted } from '../check.ts'

export const check: Check = {
  id: 'cpu-limit',
  cis: '5.12',
  area: 'containers',
  severity: 'low',
  title: "The container's share of processor time is set",
  flaw: 'A container may take all processor time',
  why: 'Without it a busy container slows every other.',
  judge: (facts) =>
    eachContainer(facts, ({ hostConfig, name }) =>
      hostConfig.cpuLimited
        ? null
        : {
            evidence: 'neither shares nor a quota',
            remedy: `${facts.engine.ok ? facts.engine.value.kind : 'docker'} update --cpus 1 ${quoted(name)}`,
          },
    ),
}
