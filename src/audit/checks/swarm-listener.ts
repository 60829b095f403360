import { type Check, daemonSubject, verdict, withPart } from '../check.ts'

export const check: Check = {
  id: 'swarm-listener',
  cis: '7.2',
  area: 'daemon',
  severity: 'medium',
  title: 'Swarm listens on one chosen address',
  flaw: 'Swarm listens on all addresses',
  why: "On all addresses the cluster's own ports face every network of the host.",
  judge: (facts) =>
    withPart(facts.daemon, daemonSubject(facts), ({ listeners }) => {
      const open = listeners.filter(({ address }) =>
        /^tcp:\/\/(0\.0\.0\.0|\[::\]):(2377|7946)$/.test(address),
      )
      return [
        verdict(
          daemonSubject(facts),
          open.length === 0
            ? null
            : {
                evidence: open.map(({ address }) => address).join(', '),
                remedy: 'docker swarm init --listen-addr ADDRESS',
              },
        ),
      ]
    }),
}
