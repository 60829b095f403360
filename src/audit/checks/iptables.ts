import { type Check, dockerDaemon, setting } from '../check.ts'

export const check: Check = {
  id: 'iptables',
  cis: '2.4',
  area: 'daemon',
  severity: 'medium',
  title: 'The engine keeps its firewall rules itself',
  flaw: 'The engine does not keep its firewall rules',
  why: 'With iptables off nothing separates networks of containers, and published ports follow no rule.',
  judge: (facts) =>
    dockerDaemon(facts, (daemon) =>
      setting(daemon, 'iptables').value === false && setting(daemon, 'bridge').value !== 'none'
        ? {
            evidence: 'iptables is switched off',
            remedy: 'remove "iptables": false from daemon.json and restart the engine',
          }
        : null,
    ),
}
