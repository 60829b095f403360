import { type Check, daemonSubject, settingRemedy, verdict, withPart } from '../check.ts'

export const check: Check = {
  id: 'live-restore',
  cis: '2.15',
  area: 'daemon',
  severity: 'low',
  title: 'Containers outlive a restart of the daemon',
  flaw: 'Containers stop when the daemon restarts',
  why: 'Without live-restore every update of the engine stops every container, so updates are put off.',
  fixable: true,
  judge: (facts) =>
    withPart(facts.engine, daemonSubject(facts), ({ liveRestore, swarm, kind }) =>
      kind === 'podman'
        ? []
        : [
            verdict(
              daemonSubject(facts),
              liveRestore || swarm !== null
                ? null
                : { evidence: 'live-restore is off', remedy: settingRemedy('live-restore') },
            ),
          ],
    ),
}
