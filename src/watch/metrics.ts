import { channelStates } from '../alerts/outbox.ts'
import { openCounts } from '../alerts/query.ts'
import { sizeBytes } from '../alerts/retention.ts'
import { version } from '../lib/version.ts'
import type { Watch } from './watch.ts'

interface Sample {
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

/** One metric of Prometheus's text format. */
interface Metric {
  readonly name: string
  readonly type: 'gauge' | 'counter'
  readonly help: string
  readonly samples: readonly Sample[]
}

export function metricsText(watch: Watch): string {
  return [...own(watch), ...alerts(watch), ...sensor(watch), ...containers(watch), ...channels(watch)]
    .filter(({ samples }) => samples.length > 0)
    .map(metricText)
    .join('')
}

function metricText({ name, type, help, samples }: Metric): string {
  const lines = samples.map(({ labels = {}, value }) => {
    const pairs = Object.entries(labels).map(([key, text]) => `${key}="${labelValue(text)}"`)
    return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}\n`
  })
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`
}

function labelValue(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

function gauge(name: string, help: string, ...samples: readonly (number | Sample)[]): Metric {
  return { name, type: 'gauge', help, samples: samples.map(asSample) }
}

function counter(name: string, help: string, ...samples: readonly (number | Sample)[]): Metric {
  return { name, type: 'counter', help, samples: samples.map(asSample) }
}

function asSample(sample: number | Sample): Sample {
  return typeof sample === 'number' ? { value: sample } : sample
}

const seconds = (at: string) => Date.parse(at) / 1000
const flag = (value: boolean) => (value ? 1 : 0)

function own({ store, startedAt, live }: Watch): Metric[] {
  return [
    gauge('paddock_build_info', 'Version of Paddock.', { labels: { version }, value: 1 }),
    gauge('process_start_time_seconds', 'When watch was started.', startedAt / 1000),
    gauge('process_resident_memory_bytes', 'Memory of watch.', process.memoryUsage.rss()),
    gauge('paddock_database_size_bytes', 'Alerts, findings and journal.', sizeBytes(store.database)),
    gauge('paddock_journal_entries', 'Entries of the journal.', store.journal.head().seq),
    gauge('paddock_pages_open', 'Pages that are open and live.', live.size),
  ]
}

function alerts({ store, health }: Watch): Metric[] {
  const open = Object.entries(openCounts(store.database))
  const samples = open.map(([severity, value]) => ({ labels: { severity }, value }))
  const last = store.database.prepare('SELECT max(seq) AS seq FROM findings').get()
  const newest = store.database.prepare('SELECT max(id) AS id FROM alerts').get()
  return [
    gauge('paddock_healthy', 'Whether /healthz says that all is well.', flag(health().ok)),
    gauge(
      'paddock_alerts_open',
      'Alerts that nobody has acknowledged, without those of maintenance.',
      ...samples,
    ),
    counter('paddock_alerts_total', 'Alerts ever opened.', Number(newest?.['id'] ?? 0)),
    counter('paddock_findings_total', 'Findings ever stored.', Number(last?.['seq'] ?? 0)),
  ]
}

function sensor({ sensor: link, monitor }: Watch): Metric[] {
  const up = gauge('paddock_sensor_up', 'Whether the sensor speaks.', flag(link.silentSince === null))
  const { status } = monitor
  if (status === null) return [up]
  const { spool, evidence, counters, selfTest, lastSweep, parts } = status
  const parted = parts.map(({ name, state }) => ({ labels: { part: name }, value: flag(state !== 'lost') }))
  const events = Object.entries(counters).map(([event, value]) => ({ labels: { event }, value }))
  return [
    up,
    gauge('paddock_sensor_part_ok', 'Whether a part that should work does.', ...parted),
    gauge(
      'paddock_sensor_self_test_ok',
      'Whether the last self-test passed.',
      ...(selfTest === null ? [] : [flag(selfTest.ok)]),
    ),
    gauge(
      'paddock_sensor_last_self_test_timestamp_seconds',
      'When the sensor last tested itself.',
      ...(selfTest === null ? [] : [seconds(selfTest.at)]),
    ),
    gauge(
      'paddock_sensor_last_sweep_timestamp_seconds',
      'When the last sweep began.',
      ...(lastSweep === null ? [] : [seconds(lastSweep.at)]),
    ),
    gauge(
      'paddock_sensor_last_sweep_duration_seconds',
      'How long it took.',
      ...(lastSweep === null ? [] : [lastSweep.durationMs / 1000]),
    ),
    gauge('paddock_sensor_resident_memory_bytes', 'Memory of the sensor.', status.memoryBytes),
    counter('paddock_sensor_events_total', 'What the sensor counted since it was started.', ...events),
    gauge(
      'paddock_spool_findings',
      'Findings spooled and not yet stored.',
      Math.max(0, spool.next - 1 - spool.acked),
    ),
    gauge('paddock_spool_size_bytes', 'Disk that the spool takes.', spool.sizeBytes),
    gauge('paddock_evidence_size_bytes', 'Disk that the evidence takes.', evidence.sizeBytes),
  ]
}

type ContainerStatus = Watch['monitor']['containers'][number]

function containers({ monitor }: Watch): Metric[] {
  // Two engines may have containers of one name; a series must not appear twice.
  const byName = Map.groupBy(monitor.containers, ({ container }) => container.name)
  const of = (combine: (a: number, b: number) => number, value: (status: ContainerStatus) => number | null) =>
    [...byName].flatMap(([name, statuses]) => {
      const found = statuses.map(value).filter((item) => item !== null)
      return found.length === 0 ? [] : [{ labels: { container: name }, value: found.reduce(combine) }]
    })
  const sum = (a: number, b: number) => a + b
  const least = (a: number, b: number) => Math.min(a, b)
  return [
    gauge(
      'paddock_container_unexpected_changes',
      'Changes that policy does not expect, now.',
      ...of(sum, ({ unexpected }) => unexpected),
    ),
    gauge(
      'paddock_container_expected_changes',
      'Changes that policy expects, now.',
      ...of(sum, ({ expected }) => expected),
    ),
    gauge(
      'paddock_container_missing_processes',
      'Required processes that do not run.',
      ...of(sum, ({ missing }) => missing.length),
    ),
    gauge(
      'paddock_container_exec_deny',
      'Whether programs that are not in the image are denied.',
      ...of(least, ({ exec }) => flag(exec === 'deny')),
    ),
    gauge(
      'paddock_container_last_sweep_timestamp_seconds',
      'When it was last swept.',
      ...of(least, ({ lastSweepAt }) => (lastSweepAt === null ? null : seconds(lastSweepAt))),
    ),
  ]
}

function channels({ store, channels: configured }: Watch): Metric[] {
  const states = channelStates(
    store.database,
    configured.map(({ name }) => name),
  )
  const of = (value: (state: (typeof states)[number]) => number) =>
    states.map((state) => ({ labels: { channel: state.name }, value: value(state) }))
  return [
    gauge(
      'paddock_channel_ok',
      'Whether the last delivery worked.',
      ...of(({ failures }) => flag(failures === 0)),
    ),
    gauge('paddock_channel_waiting', 'Notices that wait for delivery.', ...of(({ waiting }) => waiting)),
    counter('paddock_channel_sent_total', 'Notices delivered.', ...of(({ sent }) => sent)),
    counter('paddock_channel_dropped_total', 'Notices given up after days.', ...of(({ dropped }) => dropped)),
  ]
}
