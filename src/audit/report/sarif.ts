import { createHash } from 'node:crypto'
import { version } from '../../lib/version.ts'
import type { Severity } from '../../protocol/findings.ts'
import type { Comparison } from '../baseline.ts'
import type { Check, Finding } from '../check.ts'
import { checks } from '../checks/table.ts'
import type { AuditReport } from '../run.ts'

const LEVELS: Readonly<Record<Severity, 'error' | 'warning' | 'note'>> = {
  critical: 'error',
  high: 'error',
  medium: 'warning',
  low: 'note',
  info: 'note',
}
/** What forges sort by: CVSS-like numbers. */
const NUMBERS: Readonly<Record<Severity, string>> = {
  critical: '9.5',
  high: '8.0',
  medium: '5.5',
  low: '3.0',
  info: '1.0',
}

/** The failures as SARIF 2.1.0 (docs.oasis-open.org/sarif), for forges and editors that read it. */
export function auditSarif(report: AuditReport, comparison: Comparison | null): unknown {
  const failures = report.findings.filter(({ status }) => status === 'fail')
  const used = checks.filter(({ id }) => failures.some((finding) => finding.id === id))
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'Paddock audit', semanticVersion: version, rules: used.map(rule) } },
        invocations: [{ executionSuccessful: true, startTimeUtc: report.startedAt, machine: report.host }],
        results: failures.map((finding) =>
          result(
            finding,
            used.findIndex(({ id }) => id === finding.id),
            comparison,
          ),
        ),
      },
    ],
  }
}

function rule(check: Check): unknown {
  return {
    id: check.id,
    shortDescription: { text: check.flaw },
    fullDescription: { text: check.why },
    help: { text: check.why },
    defaultConfiguration: { level: LEVELS[check.severity] },
    properties: {
      'security-severity': NUMBERS[check.severity],
      tags: ['security', check.area, ...(check.cis === null ? [] : [`CIS ${check.cis}`])],
    },
  }
}

function result(finding: Finding, ruleIndex: number, comparison: Comparison | null): unknown {
  const { subject } = finding
  const isPath = subject.name.startsWith('/')
  return {
    ruleId: finding.id,
    ruleIndex,
    level: LEVELS[finding.severity],
    message: {
      text: `${subject.kind} ${subject.name}: ${finding.evidence}${finding.remedy === '' ? '' : `. Mend: ${finding.remedy}`}`,
    },
    locations: [
      {
        physicalLocation: {
          artifactLocation: {
            uri: isPath
              ? `file://${encodeURI(subject.name)}`
              : `${subject.kind}/${encodeURIComponent(subject.name)}`,
          },
        },
        logicalLocations: [
          { name: subject.name, kind: 'resource', fullyQualifiedName: `${subject.kind}/${subject.name}` },
        ],
      },
    ],
    partialFingerprints: {
      'paddock/v1': createHash('sha256')
        .update(JSON.stringify([finding.id, subject.kind, subject.name, finding.details]))
        .digest('hex'),
    },
    ...(comparison === null
      ? {}
      : { baselineState: comparison.worse.includes(finding) ? 'new' : 'unchanged' }),
    properties: { severity: finding.severity, cis: finding.cis },
  }
}
