import { printable } from '../lib/printable.ts'
import { AUDIT_MESSAGE_MAX_NEWS, type AuditNews } from '../protocol/audit-news.ts'
import type { ContainerRef } from '../protocol/findings.ts'
import { type Finding, severityRank } from './check.ts'

const MAX_REASONS = 60
const MAX_SUMMARY = 1000
const MAX_EVIDENCE = 500
const ALSO_SHOWN = 4
const OF_ENGINE = new Set<string>(['container', 'image', 'daemon'])

/** What got worse, told by subject: a container that fails ten checks is one piece of news. The gravest first. */
export function newsOf(
  worse: readonly Finding[],
  engine: string,
  containers: ReadonlyMap<string, ContainerRef>,
): AuditNews[] {
  const bySubject = Map.groupBy(worse, ({ subject }) => `${subject.kind}:${subject.name}`)
  const news = [...bySubject]
    .map(([subject, findings]) => newsOfSubject(subject, findings, engine, containers))
    .sort((one, other) => severityRank(other.severity) - severityRank(one.severity))
  const last = news[AUDIT_MESSAGE_MAX_NEWS - 1]
  const more = news.length - AUDIT_MESSAGE_MAX_NEWS
  if (last === undefined || more <= 0) return news
  const summary = `${last.summary}; and ${more} more that paddock audit tells`
  return [...news.slice(0, AUDIT_MESSAGE_MAX_NEWS - 1), { ...last, summary }]
}

function newsOfSubject(
  group: string,
  findings: readonly Finding[],
  engine: string,
  containers: ReadonlyMap<string, ContainerRef>,
): AuditNews {
  const sorted = [...findings].sort((one, other) => severityRank(other.severity) - severityRank(one.severity))
  const [first, ...others] = sorted as [Finding, ...Finding[]]
  const { subject, severity, title, evidence, remedy } = first
  const about =
    subject.kind === 'host' && subject.name === 'host' ? 'this host' : `${subject.kind} ${subject.name}`
  const ids = [...new Set(others.map(({ id }) => id).filter((id) => id !== first.id))]
  const also =
    ids.length === 0
      ? ''
      : `; also ${ids.slice(0, ALSO_SHOWN).join(', ')}${ids.length > ALSO_SHOWN ? ` and ${ids.length - ALSO_SHOWN} more` : ''}`
  const mend = remedy === '' ? '' : `; mend: ${cut(printable(remedy), MAX_EVIDENCE)}`
  return {
    severity,
    reasons: [...new Set(sorted.map(({ id }) => id))].slice(0, MAX_REASONS),
    summary: `${cut(printable(`audit: ${about}: ${title}: ${evidence}`), MAX_SUMMARY)}${also}${mend}`,
    container: subject.kind === 'container' ? (containers.get(subject.name) ?? null) : null,
    // What is the host's own is one thing, whichever engine's audit finds it.
    group: `audit ${OF_ENGINE.has(subject.kind) ? `${engine} ` : ''}${group}`.slice(0, 500),
    details: Object.fromEntries(
      sorted
        .slice(0, MAX_REASONS)
        .map((finding) => [finding.id, cut(printable(finding.evidence), MAX_EVIDENCE)]),
    ),
  }
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`
}
