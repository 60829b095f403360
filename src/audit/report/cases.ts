import { quoted, severityRank, type Finding } from '../check.ts'
import type { Severity } from '../../protocol/findings.ts'
import type { Chain } from '../escape/graph.ts'

/** One heading of the report: all failures of one check. */
export interface Group {
  readonly id: string
  /** Of the gravest case. */
  readonly severity: Severity
  readonly findings: readonly Finding[]
  readonly cases: readonly Case[]
}

/** Subjects of which the same is said: a hundred containers without a limit are one case. */
export interface Case {
  readonly subjects: readonly Finding['subject'][]
  readonly evidence: string
  /** With NAME in the place of each subject's name where there are several. */
  readonly remedy: string
}

/** Findings by check, the gravest first. */
export function groups(findings: readonly Finding[]): Group[] {
  return [...Map.groupBy(findings, ({ id }) => id)]
    .map(([id, list]) => {
      const sorted = list.toSorted((one, other) => severityRank(other.severity) - severityRank(one.severity))
      return { id, findings: sorted, severity: sorted[0]?.severity ?? 'info', cases: cases(sorted) }
    })
    .sort((one, other) => severityRank(other.severity) - severityRank(one.severity))
}

function cases(findings: readonly Finding[]): Case[] {
  return [
    ...Map.groupBy(findings, ({ evidence, remedy, subject }) =>
      JSON.stringify([evidence, withName(remedy, subject.name)]),
    ).values(),
  ].flatMap((list) => {
    const [first] = list
    if (first === undefined) return []
    const remedy = list.length === 1 ? first.remedy : withName(first.remedy, first.subject.name)
    return [{ subjects: list.map(({ subject }) => subject), evidence: first.evidence, remedy }]
  })
}

function withName(remedy: string, name: string): string {
  return remedy
    .split(' ')
    .map((word) => (word === quoted(name) ? 'NAME' : word))
    .join(' ')
}

/** Ways of one start that the same remedy closes: the shortest told, the others by their next place. */
export interface Way {
  readonly chain: Chain
  readonly likewise: readonly string[]
}

export function ways(chains: readonly Chain[]): Way[] {
  return [
    ...Map.groupBy(chains, ({ edges, nodes }) => JSON.stringify([nodes[0]?.id, edges[0]?.remedy])).values(),
  ].flatMap((list) => {
    const [first, ...others] = list.toSorted((one, other) => one.edges.length - other.edges.length)
    return first === undefined
      ? []
      : [{ chain: first, likewise: others.map(({ nodes }) => nodes[1]?.label ?? '') }]
  })
}

/** "container web", "user alice", "/etc/docker". */
export function subjectText(subject: Finding['subject']): string {
  return subject.kind === 'host' || subject.kind === 'daemon'
    ? subject.name
    : `${subject.kind} ${subject.name}`
}

/** At most `max` subjects by name, and how many more there are. */
export function subjectsText(subjects: readonly Finding['subject'][], max: number): string {
  const [first] = subjects
  if (first === undefined) return ''
  if (subjects.length === 1) return subjectText(first)
  const kind = first.kind === 'host' || first.kind === 'daemon' ? '' : `${first.kind}s `
  const rest = subjects.length - max
  return `${kind}${subjects
    .slice(0, max)
    .map(({ name }) => name)
    .join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}
