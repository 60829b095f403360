import { type Check, daemonSubject, verdict, withPart } from '../check.ts'

export const check: Check = {
  id: 'swarm',
  cis: '5.1',
  area: 'daemon',
  severity: 'low',
  title: 'Swarm mode is off where nothing uses it',
  flaw: 'Swarm mode is on',
  why: 'It opens ports and keeps keys that a single host has no use for.',
  judge: (facts) =>
    withPart(facts.engine, daemonSubject(facts), ({ swarm }) => [
      verdict(
        daemonSubject(facts),
        swarm === null
          ? null
          : {
              evidence: `this engine is in a swarm${swarm.isManager ? ', as a manager' : ''}`,
              remedy: 'docker swarm leave --force, if no service needs it',
            },
      ),
    ]),
}
