import { type Check, eachContainer, quoted } from '../check.ts'

export const check: Check = {
  id: 'sshd',
  cis: '5.7',
  area: 'containers',
  severity: 'medium',
  title: 'No container runs an SSH server',
  flaw: 'A container runs an SSH server',
  why: 'It is a second way in, with keys and users of its own; docker exec needs none.',
  judge: (facts) =>
    eachContainer(facts, ({ running, name }) => {
      const servers = (running?.processes ?? []).filter((each) => ['sshd', 'dropbear'].includes(each))
      return servers.length === 0
        ? null
        : {
            evidence: `runs ${[...new Set(servers)].join(', ')}`,
            remedy: `take the SSH server out of the image of ${quoted(name)}`,
          }
    }),
}
