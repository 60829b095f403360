import { type Check, daemonSubject, verdict, withPart } from '../check.ts'
import { listenersByReach } from '../listeners.ts'

export const check: Check = {
  id: 'api-tcp',
  cis: '2.7',
  area: 'daemon',
  severity: 'critical',
  title: 'The engine listens on no network address without asking for a certificate',
  flaw: 'The engine obeys anyone who reaches its network address',
  why: 'Whoever reaches that port is root: it is the first thing that worms look for.',
  judge: (facts) =>
    withPart(facts.daemon, daemonSubject(facts), (daemon) => {
      const open = listenersByReach(daemon).filter((each) => each.open)
      const subject = daemonSubject(facts)
      if (open.length === 0) return [verdict(subject, null)]
      return [
        verdict(subject, {
          evidence: open
            .map(
              ({ address, from, tls }) =>
                `${address} (${from}) ${tls ? 'is encrypted but lets any client in' : 'has no TLS at all'}`,
            )
            .join('; '),
          remedy:
            'remove the tcp:// address from the engine, or set tlsverify with certificates; for a distant client use DOCKER_HOST=ssh://',
          details: open.map(({ address }) => address),
        }),
      ]
    }),
}
