import { type Check, eachContainer, quoted } from '../check.ts'

export const check: Check = {
  id: 'host-network',
  cis: '5.10',
  area: 'containers',
  severity: 'medium',
  title: "No container uses the host's network",
  flaw: "A container uses the host's network",
  why: 'Services that listen on localhost, and abstract sockets, are open to it: what the host trusts, it reaches.',
  judge: (facts) =>
    eachContainer(facts, ({ hostConfig, name }) =>
      hostConfig.networkMode === 'host'
        ? {
            evidence: 'started with --network host',
            remedy: `start ${quoted(name)} again without --network host`,
          }
        : null,
    ),
}
