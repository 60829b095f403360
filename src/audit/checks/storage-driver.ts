import { type Check, daemonSubject, verdict, withPart } from '../check.ts'

export const check: Check = {
  id: 'storage-driver',
  cis: '2.6',
  area: 'daemon',
  severity: 'low',
  title: 'The storage driver is one that is maintained',
  flaw: 'The storage driver is one that nobody maintains',
  why: 'aufs and overlay are out of the kernel or out of care, devicemapper was removed from Docker, and vfs copies every layer.',
  judge: (facts) =>
    withPart(facts.engine, daemonSubject(facts), ({ storageDriver, kind }) => {
      const bad =
        kind === 'podman' ? ['aufs', 'devicemapper', 'vfs'] : ['aufs', 'devicemapper', 'overlay', 'vfs']
      return [
        verdict(
          daemonSubject(facts),
          bad.includes(storageDriver)
            ? {
                evidence: `storage driver ${storageDriver}`,
                remedy: 'move to overlay2',
                details: [storageDriver],
              }
            : null,
        ),
      ]
    }),
}
