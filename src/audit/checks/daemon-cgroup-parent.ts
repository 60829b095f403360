import { type Check, dockerDaemon, setting } from '../check.ts'

export const check: Check = {
  id: 'daemon-cgroup-parent',
  cis: '2.10',
  area: 'daemon',
  severity: 'low',
  title: 'Containers live in the usual cgroup',
  flaw: 'Containers live in another cgroup than usual',
  why: "Under another parent the limits of the host's services may be shared with containers.",
  judge: (facts) =>
    dockerDaemon(facts, (daemon) => {
      const { value: parent, from } = setting(daemon, 'cgroup-parent')
      return typeof parent === 'string' &&
        parent !== '' &&
        !['/docker', 'docker', 'system.slice'].includes(parent)
        ? {
            evidence: `cgroup-parent is ${parent}`,
            remedy: `remove cgroup-parent, set by ${from}, and restart the engine`,
          }
        : null
    }),
}
