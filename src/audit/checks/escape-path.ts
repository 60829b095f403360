import { type Check, host, severityRank, type Subject, type Verdict } from '../check.ts'
import { chainSeverity, chainStory, chainSubject, chainText, escapeChains } from '../escape/escape.ts'
import type { Chain } from '../escape/graph.ts'

/** The one check that looks at everything together: each way from somebody to root, step by step. */
export const check: Check = {
  id: 'escape-path',
  cis: null,
  area: 'escape',
  severity: 'critical',
  title: 'Nobody becomes root through the engine unnoticed',
  flaw: 'Somebody becomes root through the engine',
  why: 'Each way below ends with root on this host. Take one step of it away and it is closed.',
  judge(facts) {
    const bySubject = new Map<string, { subject: Subject; chains: Chain[] }>()
    for (const chain of escapeChains(facts)) {
      const subject = chainSubject(chain)
      const key = `${subject.kind} ${subject.name}`
      bySubject.set(key, { subject, chains: [...(bySubject.get(key)?.chains ?? []), chain] })
    }
    const failed = [...bySubject.values()].map(({ subject, chains }): Verdict => {
      const worst = [...chains].sort(
        (one, other) => severityRank(chainSeverity(other)) - severityRank(chainSeverity(one)),
      )
      return {
        status: 'fail',
        subject,
        severity: worst[0] === undefined ? 'high' : chainSeverity(worst[0]),
        evidence: worst.map((chain) => `${chainText(chain)} (${chainStory(chain)})`).join(' | '),
        remedy: worst
          .map(({ edges }) => edges[0]?.remedy ?? '')
          .filter((each, index, all) => each !== '' && all.indexOf(each) === index)
          .join('; '),
        details: worst.map(chainText),
      }
    })
    const safe = facts.containers.ok
      ? facts.containers.value.filter(({ name }) => !bySubject.has(`container ${name}`))
      : []
    const blind = [facts.people, facts.sockets, facts.containers].flatMap((part) =>
      part.ok ? [] : [part.why],
    )
    return [
      ...failed,
      ...safe.map(({ name }): Verdict => ({
        status: 'pass',
        subject: { kind: 'container', name },
        evidence: '',
      })),
      ...(failed.length === 0 && blind.length === 0
        ? [{ status: 'pass' as const, subject: host, evidence: '' }]
        : []),
      ...blind.map((why): Verdict => ({ status: 'unknown', subject: host, evidence: why })),
    ]
  },
}
