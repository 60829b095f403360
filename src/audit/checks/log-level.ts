import { type Check, dockerDaemon, setting, settingRemedy } from '../check.ts'

export const check: Check = {
  id: 'log-level',
  cis: '2.3',
  area: 'daemon',
  severity: 'low',
  title: 'The daemon logs what it should, and no more',
  flaw: 'The daemon logs too much or too little',
  why: 'At debug level secrets reach the log; above info, what happened does not.',
  fixable: true,
  judge: (facts) =>
    dockerDaemon(facts, (daemon) => {
      const debug = setting(daemon, 'debug').value === true
      const level = setting(daemon, 'log-level').value ?? 'info'
      return debug || level !== 'info'
        ? {
            evidence: debug
              ? 'debug is on'
              : `log-level is ${typeof level === 'string' ? level : 'not text'}`,
            remedy: settingRemedy('log-level'),
          }
        : null
    }),
}
