import { type Check, eachContainer, quoted } from '../check.ts'

export const check: Check = {
  id: 'pids-limit',
  cis: '5.29',
  area: 'containers',
  severity: 'medium',
  title: 'The number of processes is limited',
  flaw: 'A container may start any number of processes',
  why: 'Without a limit a fork bomb in one container stops the host.',
  judge: (facts) =>
    eachContainer(facts, ({ hostConfig, name }) =>
      hostConfig.pidsLimit > 0
        ? null
        : {
            evidence: 'no limit of processes',
            remedy: `${facts.engine.ok ? facts.engine.value.kind : 'docker'} update --pids-limit 200 ${quoted(name)}`,
          },
    ),
}
