import { type Check, host, quoted, severityRank, type Verdict, withPart } from '../check.ts'
import type { SudoRule } from '../gather/sudoers.ts'
import { type SudoPower, sudoPower, sudoUsers } from '../sudo-power.ts'

function verdictOf(name: string, grants: readonly { rule: SudoRule; power: SudoPower }[]): Verdict {
  const severities = grants.map(({ rule, power }) =>
    power.how === 'engine' ? 'high' : rule.noPassword ? 'medium' : 'info',
  )
  const texts = grants.map(({ rule, power }) => {
    const what = power.how === 'everything' ? 'ALL' : power.command
    return {
      place: `${rule.file}:${rule.line}`,
      what: `${rule.noPassword ? 'NOPASSWD: ' : ''}(${rule.runAs.join(',')}) ${what}`,
    }
  })
  return {
    status: 'fail',
    subject: { kind: 'user', name },
    severity: severities.reduce(
      (worst, each) => (severityRank(each) > severityRank(worst) ? each : worst),
      'info',
    ),
    evidence: texts.map(({ place, what }) => `${place}: ${what}`).join('; '),
    remedy: `visudo -f ${quoted(grants[0]?.rule.file ?? '/etc/sudoers')}`,
    details: texts.map(({ what }) => what),
  }
}

export const check: Check = {
  id: 'sudo-engine',
  cis: null,
  area: 'people',
  severity: 'high',
  title: 'No sudo rule hands out the engine as if it were less than root',
  flaw: 'sudo rules hand out the engine, which is root',
  why: 'sudo docker is sudo everything: a rule that looks narrow gives all of the host.',
  judge: (facts) =>
    withPart(facts.people, host, (people) =>
      withPart(facts.sudo, host, ({ rules, unreadable }) => {
        const byUser = new Map<string, { rule: SudoRule; power: SudoPower }[]>()
        for (const rule of rules) {
          const power = sudoPower(rule)
          if (power === null) continue
          for (const { name } of sudoUsers(rule, people.accounts, people.groups))
            byUser.set(name, [...(byUser.get(name) ?? []), { rule, power }])
        }
        const blind = unreadable.map((path): Verdict => ({
          status: 'unknown',
          subject: host,
          evidence: `cannot read ${path}`,
        }))
        if (byUser.size === 0 && blind.length === 0) return [{ status: 'pass', subject: host, evidence: '' }]
        return [...blind, ...[...byUser].map(([name, grants]) => verdictOf(name, grants))]
      }),
    ),
}
