import { type Check, eachContainer, quoted } from '../check.ts'

export const check: Check = {
  id: 'host-pid',
  cis: '5.16',
  area: 'containers',
  severity: 'high',
  title: "No container sees the host's processes",
  flaw: "A container sees the host's processes",
  why: 'It sees every command line and environment of its own users, and may signal and with ptrace take over what runs beside it.',
  judge: (facts) =>
    eachContainer(facts, ({ hostConfig, name }) =>
      hostConfig.pidMode === 'host'
        ? { evidence: 'started with --pid host', remedy: `start ${quoted(name)} again without --pid host` }
        : null,
    ),
}
