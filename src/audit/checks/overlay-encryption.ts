import { type Check, daemonSubject, verdict, withPart } from '../check.ts'

export const check: Check = {
  id: 'overlay-encryption',
  cis: '7.3',
  area: 'daemon',
  severity: 'medium',
  title: 'Traffic between hosts is encrypted',
  flaw: 'Traffic between hosts is not encrypted',
  why: "An overlay network without encryption carries the containers' traffic in the clear.",
  judge: (facts) =>
    withPart(facts.networks, daemonSubject(facts), (networks) => {
      const open = networks
        .filter(
          ({ driver, name, options }) =>
            driver === 'overlay' && name !== 'ingress' && options['encrypted'] === undefined,
        )
        .map(({ name }) => name)
      return [
        verdict(
          daemonSubject(facts),
          open.length === 0
            ? null
            : {
                evidence: `not encrypted: ${open.join(', ')}`,
                remedy: 'docker network create --driver overlay --opt encrypted NAME',
                details: open,
              },
        ),
      ]
    }),
}
