import { type Check, dockerDaemon, setting } from '../check.ts'

export const check: Check = {
  id: 'daemon-cgroup-parent',
  cis: '2.10',
  area: 'daemon',
  severity: 'low',
  title: 'Containers live in the usual cgroup',
  why: "Under another parent the limits of the host's services may be shared with containers.",
  judge: (facts) =>
    dockerDaemon(facts, (daemon) => {
      const parent = setting(daemon, 'cgroup-parent').value
      return typeof parent === 'string' &&
        parent !== '' &&
        !['/docker', 'docker', 'system.slice'].includes(parent)
        ? { evidence: `cgroup-parent is ${parent}`, remedy: 'remove cgroup-parent from daemon.json' }
        : null
    }),
}
