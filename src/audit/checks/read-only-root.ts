import { type Check, eachContainer, quoted } from '../check.ts'

export const check: Check = {
  id: 'read-only-root',
  cis: '5.13',
  area: 'containers',
  severity: 'low',
  title: 'The root filesystem is read-only',
  flaw: 'The root filesystem can be written',
  why: 'An intruder who can write nothing can leave nothing. Paddock sees what is written, but nothing written is better.',
  judge: (facts) =>
    eachContainer(facts, ({ hostConfig, name }) =>
      hostConfig.readonlyRootfs
        ? null
        : {
            evidence: 'the root filesystem can be written',
            remedy: `start ${quoted(name)} again with --read-only and --tmpfs for what it must write`,
          },
    ),
}
