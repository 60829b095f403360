import { type Check, daemonSubject, verdict, withPart } from '../check.ts'

export const check: Check = {
  id: 'seccomp-default',
  cis: '2.17',
  area: 'daemon',
  severity: 'high',
  title: 'The engine filters system calls',
  flaw: 'The engine does not filter system calls',
  why: 'Without seccomp every hole in every system call is within reach of every container.',
  judge: (facts) =>
    withPart(facts.engine, daemonSubject(facts), ({ securityOptions }) => {
      const option = securityOptions.find((each) => /(^|,)name=seccomp(,|$)|^seccomp$/.test(each))
      const off = option === undefined || /profile=unconfined/.test(option)
      return [
        verdict(
          daemonSubject(facts),
          off
            ? {
                evidence:
                  option === undefined
                    ? 'the engine reports no seccomp'
                    : 'the default seccomp profile is unconfined',
                remedy: 'remove seccomp-profile from daemon.json and restart the engine',
              }
            : null,
        ),
      ]
    }),
}
