import { type Check, dockerDaemon, setting, settingRemedy } from '../check.ts'

export const check: Check = {
  id: 'default-ulimits',
  cis: '2.8',
  area: 'daemon',
  severity: 'info',
  title: 'Containers have sensible limits by default',
  flaw: 'Containers have no limits by default',
  why: 'Without default-ulimits a container may open as many files as the daemon itself.',
  fixable: true,
  judge: (facts) =>
    dockerDaemon(facts, (daemon) =>
      setting(daemon, 'default-ulimits').value === undefined
        ? { evidence: 'no default-ulimits', remedy: settingRemedy('default-ulimits') }
        : null,
    ),
}
