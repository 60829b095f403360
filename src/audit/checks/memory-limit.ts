import { type Check, eachContainer, quoted } from '../check.ts'

export const check: Check = {
  id: 'memory-limit',
  cis: '5.11',
  area: 'containers',
  severity: 'medium',
  title: "The container's memory is limited",
  flaw: "A container's memory has no limit",
  why: 'Without a limit one container can starve every other, and the host.',
  judge: (facts) =>
    eachContainer(facts, ({ hostConfig, name }) =>
      hostConfig.memoryBytes > 0
        ? null
        : {
            evidence: 'no memory limit',
            remedy: `${facts.engine.ok ? facts.engine.value.kind : 'docker'} update --memory 512m --memory-swap 512m ${quoted(name)}`,
          },
    ),
}
