import type { Change } from '../../cow/change.ts'
import { pathText } from '../../lib/byte-path.ts'
import { printable } from '../../lib/printable.ts'
import type { Severity } from '../../policy/policy.ts'
import type { Style } from '../style.ts'
import type { JudgedChange } from './change-json.ts'

const label: Readonly<Record<Severity, string>> = {
  critical: 'CRITICAL',
  high: 'HIGH',
  medium: 'MEDIUM',
  low: 'LOW',
  info: 'INFO',
}

/** One change as one line: how bad, what became of it, where, what it is now, why it matters. */
export function changeLine(judged: JudgedChange, style: Style): string {
  const { change, severity, reasons, expected, rule } = judged
  const mark = expected
    ? style.dim('expected'.padEnd(8))
    : style.severity[severity](label[severity].padEnd(8))
  const because = expected
    ? style.dim(rule === null ? '' : `  by ${printable(rule.file)}:${rule.line}`)
    : reasons.length === 0
      ? ''
      : `  ${style.dim('←')} ${reasons.join(', ')}`
  return `  ${mark}  ${change.kind.padEnd(8)}  ${printable(pathText(change.path))}  ${style.dim(facts(change))}${because}\n`
}

function facts(change: Change): string {
  const { now, was, type } = change
  if (now === null) return type === 'file' ? '' : type
  if (change.kind === 'replaced' && was !== null) return `${was.type} → ${now.type}`
  const mode = permissions(now.mode)
  const modeChange = was !== null && was.mode !== now.mode ? `${permissions(was.mode)} → ${mode}` : mode
  const owner = `${now.uid}:${now.gid}`
  const ownerChange =
    was !== null && (was.uid !== now.uid || was.gid !== now.gid) ? `${was.uid}:${was.gid} → ${owner}` : owner
  const size = type === 'file' ? ` ${now.sizeBytes} B` : ''
  return `${type} ${modeChange} ${ownerChange}${size}`
}

function permissions(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0')
}
