import { type Check, daemonSubject, verdict, withPart } from '../check.ts'

export const check: Check = {
  id: 'container-sprawl',
  cis: '6.2',
  area: 'daemon',
  severity: 'info',
  title: 'Containers that have ended are removed',
  flaw: 'Many containers that have ended are kept',
  why: 'They keep their files, their secrets, and everything an intruder left in them.',
  judge: (facts) =>
    withPart(facts.containers, daemonSubject(facts), (containers) => {
      const ended = containers.filter(({ state }) => state === 'exited' || state === 'dead').length
      return [
        verdict(
          daemonSubject(facts),
          ended > 25
            ? {
                evidence: `${ended} of ${containers.length} containers have ended`,
                remedy: 'docker container prune',
              }
            : null,
        ),
      ]
    }),
}
