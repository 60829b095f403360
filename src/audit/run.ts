import type { Check, Finding, Verdict } from './check.ts'
import { severityRank } from './check.ts'
import { checks } from './checks/table.ts'
import { chainSeverity, chainSubject, chainText, escapeChains } from './escape/escape.ts'
import type { Chain } from './escape/graph.ts'
import type { Facts } from './facts.ts'
import { gatherFacts, type GatherOptions } from './gather.ts'

/** What an audit found. The JSON of `paddock audit --json` is this, less `ways`. */
export interface AuditReport {
  readonly version: 1
  readonly host: string
  readonly startedAt: string
  readonly durationMs: number
  /** Whether nothing failed that weighs more than info. */
  readonly ok: boolean
  readonly engine: { readonly kind: string; readonly version: string; readonly address: string } | null
  readonly findings: readonly Finding[]
  readonly chains: readonly Chain[]
}

export interface AuditOptions extends GatherOptions {
  /** Further checks, of images for one, that other parts of Paddock bring. */
  readonly more?: readonly Check[]
}

/** Gathers the facts and judges them: all of `paddock audit` but its words. Never throws for what it cannot read. */
export async function runAudit(options: AuditOptions): Promise<AuditReport> {
  const startedAt = new Date()
  const facts = await gatherFacts({ at: startedAt, ...options })
  const findings = judge(facts, [...checks, ...(options.more ?? [])])
  return {
    version: 1,
    host: facts.hostName,
    startedAt: startedAt.toISOString(),
    durationMs: Date.now() - startedAt.getTime(),
    ok: !findings.some(isFailure),
    engine: facts.engine.ok
      ? {
          kind: facts.engine.value.kind,
          version: facts.engine.value.version,
          address: options.engine?.address ?? '',
        }
      : null,
    findings,
    chains: [...escapeChains(facts)].sort(
      (one, other) => severityRank(chainSeverity(other)) - severityRank(chainSeverity(one)),
    ),
  }
}

/** Verdicts of every check, gravest failures first, then what is unknown, then what is well. */
export function judge(facts: Facts, table: readonly Check[] = checks): Finding[] {
  const findings = table.flatMap((check) => check.judge(facts).map((verdict) => toFinding(check, verdict)))
  const order = { fail: 0, unknown: 1, pass: 2 }
  return findings.sort(
    (one, other) =>
      order[one.status] - order[other.status] || severityRank(other.severity) - severityRank(one.severity),
  )
}

function toFinding(check: Check, verdict: Verdict): Finding {
  return {
    id: check.id,
    cis: verdict.cis === undefined ? check.cis : verdict.cis,
    status: verdict.status,
    severity: verdict.severity ?? check.severity,
    subject: verdict.subject,
    title: verdict.status === 'fail' ? check.flaw : check.title,
    evidence: verdict.evidence,
    remedy: verdict.remedy ?? '',
    details: verdict.details ?? [],
    fixable: verdict.status === 'fail' && check.fixable === true,
  }
}

/** Whether a finding makes the audit fail: `info` is worth knowing, and no more. */
export function isFailure({ status, severity }: Pick<Finding, 'status' | 'severity'>): boolean {
  return status === 'fail' && severity !== 'info'
}

/** The document that `--json` prints; docs/json.md. */
export function auditJson({ chains, ...report }: AuditReport): unknown {
  return {
    ...report,
    chains: chains.map((chain) => ({
      subject: chainSubject(chain),
      severity: chainSeverity(chain),
      text: chainText(chain),
      steps: chain.edges.map((edge, index) => ({
        from: chain.nodes[index]?.label ?? '',
        to: chain.nodes[index + 1]?.label ?? '',
        how: edge.how,
        remedy: edge.remedy,
      })),
    })),
  }
}
