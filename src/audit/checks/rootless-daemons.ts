import { type Check, host, withPart } from '../check.ts'

export const check: Check = {
  id: 'rootless-daemons',
  cis: '2.1',
  area: 'people',
  severity: 'info',
  title: 'Engines that people run for themselves are audited too',
  flaw: 'Engines that people run for themselves are not in this report',
  why: 'A rootless engine cannot become root, but what its user may do its containers may: it needs an audit of its own.',
  judge: (facts) =>
    withPart(facts.rootless, host, (daemons) =>
      daemons.length === 0
        ? [{ status: 'pass', subject: host, evidence: '' }]
        : daemons.map(({ user, uid, engine, evidence }) => ({
            status: 'unknown' as const,
            subject: { kind: 'user' as const, name: user },
            evidence: `${user} runs a rootless ${engine} (${evidence}); its containers are not in this report`,
            remedy: `paddock audit --engine unix:///run/user/${uid}/${engine === 'docker' ? 'docker.sock' : 'podman/podman.sock'}`,
          })),
    ),
}
