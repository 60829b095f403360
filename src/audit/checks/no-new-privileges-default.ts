import { type Check, dockerDaemon, setting, settingRemedy } from '../check.ts'

export const check: Check = {
  id: 'no-new-privileges-default',
  cis: '2.14',
  area: 'daemon',
  severity: 'medium',
  title: 'Programs in containers gain no rights by default',
  flaw: 'Programs in containers may gain rights by default',
  why: 'A setuid program in an image makes any user of the container its root, unless no-new-privileges holds it back.',
  fixable: true,
  judge: (facts) =>
    dockerDaemon(facts, (daemon) =>
      setting(daemon, 'no-new-privileges').value === true
        ? null
        : {
            evidence: 'no-new-privileges is not the default of new containers',
            remedy: settingRemedy('no-new-privileges-default'),
          },
    ),
}
