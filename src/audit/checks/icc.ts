import { type Check, dockerDaemon, setting, settingRemedy } from '../check.ts'

export const check: Check = {
  id: 'icc',
  cis: '2.2',
  area: 'daemon',
  severity: 'medium',
  title: 'Containers on the default network cannot talk to each other',
  flaw: 'Containers on the default network reach each other',
  why: 'On the default bridge every container reaches every port of every other: one that falls has the rest as neighbours.',
  fixable: true,
  judge: (facts) =>
    dockerDaemon(facts, (daemon) => {
      const bridge = facts.networks.ok
        ? facts.networks.value.find(({ name }) => name === 'bridge')
        : undefined
      // The network's own option is what is in force; without the network there is nothing to talk over.
      if (facts.networks.ok && bridge === undefined) return null
      const inForce = bridge?.options['com.docker.network.bridge.enable_icc']
      const allowed = inForce === undefined ? setting(daemon, 'icc').value !== false : inForce !== 'false'
      return allowed
        ? {
            evidence: 'inter-container communication is on for the default bridge',
            remedy: settingRemedy('icc'),
          }
        : null
    }),
}
