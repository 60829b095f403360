import { type Check, daemonSubject, verdict, withPart } from '../check.ts'

export const check: Check = {
  id: 'swarm-managers',
  cis: '7.1',
  area: 'daemon',
  severity: 'medium',
  title: 'A swarm has an odd number of managers, seven at most',
  flaw: 'The swarm has an unfit number of managers',
  why: 'Each manager holds all keys, and an even number survives no more failures than one less.',
  judge: (facts) =>
    withPart(facts.engine, daemonSubject(facts), ({ swarm }) => {
      const managers = swarm?.managers ?? 1
      const well = swarm?.isManager !== true || (managers % 2 === 1 && managers <= 7)
      return [
        verdict(
          daemonSubject(facts),
          well ? null : { evidence: `${managers} managers`, remedy: 'docker node demote NODE' },
        ),
      ]
    }),
}
