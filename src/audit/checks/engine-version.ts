import { type Check, daemonSubject, verdict, withPart } from '../check.ts'
import { endOfLife } from '../end-of-life.ts'

export const check: Check = {
  id: 'engine-version',
  cis: '1.2.2',
  area: 'daemon',
  severity: 'medium',
  title: 'The engine is a version that still gets security fixes',
  flaw: 'The engine is past its end of life',
  why: "Holes found after a version's end of life stay open in it.",
  judge: (facts) =>
    withPart(facts.engine, daemonSubject(facts), ({ kind, version }) => {
      const ended = endOfLife(kind, version)
      if (ended === null || ended > facts.at.toISOString().slice(0, 10))
        return [verdict(daemonSubject(facts), null)]
      const distribution = /[+~]|-\d*(ubuntu|deb)/.test(version)
      return [
        verdict(daemonSubject(facts), {
          evidence: `${kind} ${version} had its end of life on ${ended}${distribution ? '; your distribution may still mend it: look there' : ''}`,
          severity: distribution ? 'low' : 'medium',
          remedy: `update ${kind}`,
          details: [version],
        }),
      ]
    }),
}
