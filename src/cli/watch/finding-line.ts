import { printable } from '../../lib/printable.ts'
import type { Finding, ProcessRef } from '../../protocol/findings.ts'
import type { Style } from '../style.ts'

const MAX_PROCESSES = 4

/** One finding on one line: when, how bad, where, what, whether it was denied, and which process did it. */
export function findingLine(finding: Finding, style: Style): string {
  const { at, severity, container, summary, count, exec, processes = [], byExec } = finding
  const name = printable(container?.name ?? 'paddock')
  const text = printable(summary)
  const parts = [
    style.dim(at.slice(11, 23)),
    style.severity[severity](severity.toUpperCase().padEnd(8)),
    style.strong(name.padEnd(12)),
    // Its name stands there already.
    (text.startsWith(`${name}: `) ? text.slice(name.length + 2) : text) +
      (count > 1 ? ` (${count} times)` : ''),
    ...(exec?.verdict === 'denied' ? [style.good('DENIED')] : []),
    ...(processes.length > 0 ? [style.dim(`by ${ancestry(processes)}`)] : []),
    ...(byExec === true ? [style.dim('through docker exec')] : []),
  ]
  return parts.join('  ')
}

/** "sh[812] < nginx[44] < … < init[1]". */
function ancestry(processes: readonly ProcessRef[]): string {
  const shown =
    processes.length <= MAX_PROCESSES
      ? processes
      : [...processes.slice(0, MAX_PROCESSES - 1), null, ...processes.slice(-1)]
  return shown.map((process) => (process ? `${printable(process.command)}[${process.pid}]` : '…')).join(' < ')
}
