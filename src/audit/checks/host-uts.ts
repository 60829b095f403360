import { type Check, eachContainer, quoted } from '../check.ts'

export const check: Check = {
  id: 'host-uts',
  cis: '5.21',
  area: 'containers',
  severity: 'low',
  title: "No container shares the host's name",
  flaw: "A container shares the host's name",
  why: 'With a capability it can rename the host.',
  judge: (facts) =>
    eachContainer(facts, ({ hostConfig, name }) =>
      hostConfig.utsMode === 'host'
        ? { evidence: 'started with --uts host', remedy: `start ${quoted(name)} again without --uts host` }
        : null,
    ),
}
