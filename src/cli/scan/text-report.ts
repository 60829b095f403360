import { pathText } from '../../lib/byte-path.ts'
import type { UserError } from '../../lib/errors.ts'
import { printable } from '../../lib/printable.ts'
import type { Style } from '../style.ts'
import type { Outcome, ScanOutput } from './output.ts'
import type { ContainerScan } from './scan-container.ts'
import { changeLine } from './text.ts'

/** For people: a container a paragraph, a change a line, and what it comes to at the end. */
export function textReport(style: Style): ScanOutput {
  const failure = (error: UserError) => {
    const hint = error.hint === undefined ? '' : `; ${printable(error.hint)}`
    return `  ${style.bad('NOT SCANNED')}  ${printable(error.message)}${hint}\n`
  }
  return {
    separator: '',
    begin: () => '',
    container: ({ name, image }) => ({
      begin: `${style.strong(printable(name))}  ${style.dim(printable(image))}\n`,
      change: (change) => changeLine(change, style),
      end: (scan) => containerEnd(scan, style),
      failure,
    }),
    failure,
    end({ canary, durationMs, outcomes }) {
      const blind = canary.ok
        ? ''
        : `${style.bad('BLIND')}  this scan cannot be trusted: ${printable(canary.error)}\n`
      return `\n${summary(outcomes, style)} ${style.dim(`(${durationMs} ms)`)}\n${blind}`
    },
  }
}

function containerEnd(scan: ContainerScan, style: Style): string {
  const { counts, unreadable, unreadableCount, removed, unusedRules, warnings } = scan
  const lines: string[] = []
  if (counts.unexpected === 0 && unreadableCount === 0) {
    const how = counts.total === 0 ? 'nothing changed' : `${counts.total} changed, all expected`
    lines.push(`${style.good('clean')}     ${style.dim(how)}`)
  }
  for (const { path, error } of unreadable)
    lines.push(`${style.bad('UNREADABLE')}  ${printable(pathText(path))}: ${printable(error)}`)
  if (unreadableCount > unreadable.length)
    lines.push(`… and ${unreadableCount - unreadable.length} more that could not be read`)
  if (removed) lines.push(style.dim('removed while it was scanned'))
  for (const { glob, source } of unusedRules)
    lines.push(style.dim(`expected nothing: ${printable(glob)} (${printable(source.file)}:${source.line})`))
  for (const warning of warnings) lines.push(printable(warning))
  return lines.map((line) => `  ${line}\n`).join('')
}

function summary(outcomes: readonly Outcome[], style: Style): string {
  const unexpected = outcomes.reduce((sum, outcome) => sum + outcome.unexpected, 0)
  const touched = outcomes.filter((outcome) => outcome.unexpected > 0).length
  const failed = outcomes.filter((outcome) => outcome.failure !== null).length
  const containers = `${outcomes.length} ${outcomes.length === 1 ? 'container' : 'containers'}`
  const changes = `${unexpected} unexpected ${unexpected === 1 ? 'change' : 'changes'} in ${touched}`
  const found =
    unexpected === 0
      ? `${style.good('nothing unexpected')} in ${containers}`
      : `${style.bad(changes)} of ${containers}`
  return failed === 0 ? found : `${found}${style.bad(`, ${failed} not scanned`)}`
}
