import { type Check, eachContainer, quoted } from '../check.ts'

export const check: Check = {
  id: 'host-ipc',
  cis: '5.17',
  area: 'containers',
  severity: 'medium',
  title: "No container shares the host's memory segments",
  flaw: "A container shares the host's memory segments",
  why: 'It can read and change the shared memory of other programs.',
  judge: (facts) =>
    eachContainer(facts, ({ hostConfig, name }) =>
      hostConfig.ipcMode === 'host'
        ? { evidence: 'started with --ipc host', remedy: `start ${quoted(name)} again without --ipc host` }
        : null,
    ),
}
