import type { Alert } from '../../alerts/alert.ts'
import { printable } from '../../lib/printable.ts'

/** A summary, which is escaped already: what could move a cursor stays escaped, and nothing is escaped twice. */
export function safe(text: string): string {
  return printable(text).replaceAll('\\\\', '\\')
}

/** Two lines: what happened, and what is to be known of it. */
export function alertLines(alert: Alert, now: number): string {
  const { id, severity, summary, container, count, lastAt, causePresent, previous, maintenance } = alert
  const about = [
    container === null ? 'host' : printable(container),
    ago(now - Date.parse(lastAt)),
    ...(count === 1 ? [] : [`${count} times`]),
    ...(causePresent === null ? [] : [causePresent ? 'still there' : 'gone meanwhile']),
    ...(previous === null ? [] : [`came back: ${previous} was acknowledged`]),
    ...(maintenance === null ? [] : ['in maintenance']),
    ...(alert.acknowledged === null
      ? []
      : [`acknowledged by ${printable(alert.acknowledged.by)}: ${printable(alert.acknowledged.reason)}`]),
  ]
  return `${id.padStart(5)}  ${severity.padEnd(8)}  ${safe(summary)}\n${' '.repeat(17)}${about.join(' · ')}\n`
}

export function ago(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s ago`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`
  return `${Math.floor(seconds / 86_400)} days ago`
}
