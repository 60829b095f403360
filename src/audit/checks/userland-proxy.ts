import { type Check, dockerDaemon, setting, settingRemedy } from '../check.ts'

export const check: Check = {
  id: 'userland-proxy',
  cis: '2.16',
  area: 'daemon',
  severity: 'low',
  title: 'Published ports need no helper process',
  flaw: 'Published ports go through a helper process of root',
  why: 'docker-proxy is one more root process for each port, and hides who the client is; the firewall does it alone.',
  fixable: true,
  judge: (facts) =>
    dockerDaemon(facts, (daemon) =>
      setting(daemon, 'userland-proxy').value === false
        ? null
        : { evidence: 'the userland proxy is on', remedy: settingRemedy('userland-proxy') },
    ),
}
