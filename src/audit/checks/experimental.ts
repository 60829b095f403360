import { type Check, daemonSubject, settingRemedy, verdict, withPart } from '../check.ts'

export const check: Check = {
  id: 'experimental',
  cis: '2.18',
  area: 'daemon',
  severity: 'low',
  title: 'Experimental features are off',
  flaw: 'Experimental features are on',
  why: 'They are not finished, and not looked at as closely.',
  fixable: true,
  judge: (facts) =>
    withPart(facts.engine, daemonSubject(facts), ({ experimental }) => [
      verdict(
        daemonSubject(facts),
        experimental
          ? { evidence: 'experimental features are on', remedy: settingRemedy('experimental') }
          : null,
      ),
    ]),
}
