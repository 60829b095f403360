import { printable } from '../../lib/printable.ts'
import type { Host } from '../../services/host.ts'
import type { ContainerStatus, ServiceStatus } from '../../services/status.ts'
import type { Io } from '../command.ts'
import { styleFor } from '../style.ts'
import type { OpenAlerts, Watched } from './watched.ts'

export function psJson(host: Host, status: readonly ServiceStatus[], watched: Watched): string {
  const services = status.map((one) => ({
    service: one.service,
    instance: one.instance,
    project: one.project,
    state: overall(one.containers),
    containers: one.containers.map(({ labels: _, ...container }) => ({
      ...container,
      exec: watched.exec(container.id),
      alerts: watched.alerts(container.name),
    })),
    gone: watched.gone(one).map((name) => ({ name, alerts: watched.alerts(name) })),
  }))
  return `${JSON.stringify({ version: 1, herd: host.herd.dir, services })}\n`
}

function overall(containers: readonly ContainerStatus[]): 'down' | 'up' | 'unhealthy' | 'starting' {
  if (containers.every(({ state }) => state === 'exited' || state === 'created')) return 'down'
  if (containers.some(({ state, health }) => state !== 'running' || health === 'unhealthy'))
    return 'unhealthy'
  return containers.some(({ health }) => health === 'starting') ? 'starting' : 'up'
}

const HEAD = ['SERVICE', 'INSTANCE', 'STATE', 'CONTAINER', 'IMAGE', 'AGE', 'DRIFT', 'EXEC', 'ALERTS']

export function psText(status: readonly ServiceStatus[], watched: Watched, io: Io): string {
  const { strong, good, bad, dim } = styleFor(io.stdout, io.env)
  const rows = status.flatMap((one) => serviceRows(one, watched))
  const widths = HEAD.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => (row[column] ?? '').length)),
  )
  const line = (cells: readonly string[], paint: (cell: string, column: number) => string): string =>
    `${cells
      .map((cell, column) => paint(cell.padEnd(widths[column] ?? 0), column))
      .join('  ')
      .trimEnd()}\n`
  const paints = (cell: string, column: number): string => {
    if (column === 0) return strong(cell)
    if (column === 2)
      return /^(up|healthy)/.test(cell) ? good(cell) : /^down/.test(cell) ? dim(cell) : bad(cell)
    if (column === 6 && cell.startsWith('drift')) return bad(cell)
    return column === 8 && /^\d/.test(cell) ? bad(cell) : cell
  }
  return line(HEAD, (cell) => dim(cell)) + rows.map((row) => line(row, paints)).join('')
}

function serviceRows(status: ServiceStatus, watched: Watched): string[][] {
  const { service, instance, containers } = status
  const gone = watched
    .gone(status)
    .map((name) => [service, instance, 'gone', name, '-', '-', '-', '-', alertsText(watched.alerts(name))])
  const present = containers.map((one) => [
    service,
    instance,
    one.state === 'running' ? (one.health === 'none' ? 'up' : one.health) : one.state,
    one.name,
    one.image,
    one.imageAgeMs === null ? '?' : age(one.imageAgeMs),
    one.drift ? 'drift' : '-',
    watched.exec(one.id),
    alertsText(watched.alerts(one.name)),
  ])
  const down = [[service, instance, 'down', '-', '-', '-', '-', '-', '-']]
  return [...(containers.length === 0 ? down : present), ...gone].map((row) => row.map(printable))
}

/** "2 high" */
function alertsText(alerts: OpenAlerts | null): string {
  if (alerts === null) return 'unknown'
  return alerts.worst === null ? '-' : `${alerts.open} ${alerts.worst}`
}

/** "3d", "5h", "12m" */
function age(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / 60_000))
  if (minutes >= 48 * 60) return `${Math.floor(minutes / (24 * 60))}d`
  return minutes >= 120 ? `${Math.floor(minutes / 60)}h` : `${minutes}m`
}
