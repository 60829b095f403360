import { styleText } from 'node:util'
import { printable } from '../../lib/printable.ts'
import type { Severity } from '../../protocol/findings.ts'
import type { Comparison } from '../baseline.ts'
import type { Finding } from '../check.ts'
import { checks } from '../checks/table.ts'
import { chainSeverity, chainStory, chainText } from '../escape/escape.ts'
import { type AuditReport, isFailure } from '../run.ts'
import { type Group, groups, subjectsText, type Way, ways } from './cases.ts'

export interface TextOptions {
  readonly colour: boolean
  /** Every subject of every finding, and what passed. */
  readonly all: boolean
  /** Shows only what is worse than it. */
  readonly comparison: Comparison | null
}

/** Subjects shown of one finding, and ways to root of one host, unless all are wanted. */
const SUBJECTS = 6
const CASES = 5
const WAYS = 12

const COLOURS: Readonly<Record<Severity, Parameters<typeof styleText>[0]>> = {
  critical: ['bold', 'red'],
  high: 'red',
  medium: 'yellow',
  low: 'cyan',
  info: 'gray',
}

/** The report for people: what to do first stands first. */
export function auditText(report: AuditReport, options: TextOptions): string {
  const { comparison } = options
  const shown = comparison === null ? report.findings : comparison.worse
  const failures = groups(shown.filter((finding) => isFailure(finding) && finding.id !== 'escape-path'))
  const told = new Set(
    shown
      .filter(({ id, status }) => id === 'escape-path' && status === 'fail')
      .flatMap(({ details }) => details),
  )
  const routes = ways(report.chains.filter((chain) => told.has(chainText(chain))))
  const infos =
    comparison === null
      ? groups(
          report.findings
            .filter(({ status, severity }) => status === 'fail' && severity === 'info')
            .filter(({ id }) => id !== 'escape-path'),
        )
      : []
  const unknown = comparison === null ? report.findings.filter(({ status }) => status === 'unknown') : []
  return [
    ...heading(report),
    ...(comparison === null
      ? []
      : [
          '',
          `Compared with the baseline: ${count(comparison.worse.length, 'finding')} worse, ${comparison.mended.length} mended.`,
        ]),
    ...section(`${count(routes.length, 'way')} to root`, paint(options, 'bold'), wayLines(routes, options)),
    ...section(
      'What to mend, gravest first',
      paint(options, 'bold'),
      failures.flatMap((group) => groupLines(group, options)),
    ),
    ...section(
      'Worth knowing',
      paint(options, 'bold'),
      infos.flatMap((group) => shortLines(group, options)),
    ),
    ...section('Could not be judged', paint(options, 'bold'), unknownLines(unknown)),
    ...(options.all ? section('All is well', paint(options, 'bold'), passed(report.findings)) : []),
    '',
    closing(report, options),
    '',
  ].join('\n')
}

function heading(report: AuditReport): string[] {
  const engine =
    report.engine === null
      ? 'no engine'
      : `${report.engine.kind} ${report.engine.version} at ${report.engine.address}`
  return [printable(`Host ${report.host}, ${engine}`)]
}

function section(title: string, bold: (text: string) => string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', bold(title), '', ...lines]
}

function wayLines(routes: readonly Way[], options: TextOptions): string[] {
  const few = options.all ? routes : routes.slice(0, WAYS)
  const lines = few.flatMap(({ chain, likewise }) => {
    const remedy = chain.edges.find((edge) => edge.remedy !== '')?.remedy
    return [
      `  ${label(chainSeverity(chain), options)}  ${paint(options, 'bold')(printable(chainText(chain)))}`,
      `            ${printable(chainStory(chain))}`,
      ...(likewise.length === 0 ? [] : [`            likewise: ${printable(likewise.join(', '))}`]),
      ...(remedy === undefined
        ? []
        : [`            ${paint(options, 'green')('close it:')} ${printable(remedy)}`]),
      '',
    ]
  })
  const rest = routes.length - few.length
  return rest > 0 ? [...lines, `  … and ${rest} more (--all)`] : lines.slice(0, -1)
}

function groupLines({ id, severity, findings, cases }: Group, options: TextOptions): string[] {
  const check = checks.find((each) => each.id === id)
  const numbers = [...new Set(findings.flatMap(({ cis }) => (cis === null ? [] : [cis])))]
  const cis =
    numbers.length === 0 ? '' : `, CIS ${numbers.slice(0, 3).join(' ')}${numbers.length > 3 ? ' …' : ''}`
  const few = options.all ? cases : cases.slice(0, CASES)
  const green = paint(options, 'green')
  const fixable = findings.some((finding) => finding.fixable)
  return [
    `  ${label(severity, options)}  ${paint(options, 'bold')(findings[0]?.title ?? id)}  ${paint(options, 'gray')(id + cis)}`,
    ...(check === undefined ? [] : [`            ${check.why}`]),
    ...few.flatMap(({ subjects, evidence, remedy }) => [
      `            - ${printable(`${subjectsText(subjects, options.all ? subjects.length : SUBJECTS)}: ${evidence}`)}`,
      ...(remedy === '' || fixable ? [] : [`              ${green('mend:')} ${printable(remedy)}`]),
    ]),
    ...(few.length < cases.length ? [`            - and ${cases.length - few.length} more (--all)`] : []),
    ...(fixable ? [`            ${green('mend:')} paddock audit --fix ${id}`] : []),
    '',
  ]
}

function shortLines({ id, cases }: Group, options: TextOptions): string[] {
  return cases.map(
    ({ subjects, evidence }) =>
      `  ${paint(options, 'gray')(id.padEnd(20))}  ${printable(`${subjectsText(subjects, options.all ? subjects.length : SUBJECTS)}: ${evidence}`)}`,
  )
}

// One reason, a closed socket for one, may blind many checks: told once.
function unknownLines(unknown: readonly Finding[]): string[] {
  return [...Map.groupBy(unknown, ({ evidence }) => evidence)].map(
    ([why, list]) => `  ${printable(why)}: ${[...new Set(list.map(({ id }) => id))].join(', ')}`,
  )
}

function passed(findings: readonly Finding[]): string[] {
  return [
    ...Map.groupBy(
      findings.filter(({ status }) => status === 'pass'),
      ({ id }) => id,
    ),
  ].map(
    ([id, list]) =>
      `  ${id.padEnd(26)}  ${list[0]?.title ?? ''}${list.length > 1 ? ` (${list.length})` : ''}`,
  )
}

function closing(report: AuditReport, options: TextOptions): string {
  const failures = report.findings.filter(isFailure)
  const bySeverity = (['critical', 'high', 'medium', 'low'] as const).flatMap((severity) => {
    const number = failures.filter((finding) => finding.severity === severity).length
    return number === 0 ? [] : [`${number} ${severity}`]
  })
  const well = report.findings.filter(({ status }) => status === 'pass').length
  const seconds = (report.durationMs / 1000).toFixed(2)
  if (failures.length === 0)
    return paint(options, 'green')(`Nothing to mend; ${well} things are as they should be (${seconds} s).`)
  return `${bySeverity.join(', ')}; ${well} things are as they should be (${seconds} s).`
}

function label(severity: Severity, options: TextOptions): string {
  return paint(options, COLOURS[severity])(severity.toUpperCase().padEnd(8))
}

function paint({ colour }: TextOptions, style: Parameters<typeof styleText>[0]): (text: string) => string {
  return (text) => (colour ? styleText(style, text, { validateStream: false }) : text)
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
