import type { DatabaseSync } from 'node:sqlite'
import { severities, type Severity } from '../protocol/findings.ts'
import { ACTIVITY_BUCKET_MS } from './record.ts'
import { numberOf, textOf } from './row.ts'

/** What was found over a time, container by container. */
export interface Activity {
  readonly from: string
  readonly bucketMs: number
  readonly buckets: number
  readonly containers: readonly ContainerActivity[]
}

export interface ContainerActivity {
  /** Empty: the host, or Paddock itself. */
  readonly name: string
  readonly total: number
  /** Of each bucket in which something was found, oldest first. */
  readonly found: readonly {
    readonly bucket: number
    readonly count: number
    readonly worst: Severity
  }[]
}

const BUCKETS = 96

/** @param container only this one; null: those with the most first, at most 200 */
export function activity(
  database: DatabaseSync,
  hours: number,
  now: number,
  container: string | null = null,
): Activity {
  // A whole number of the buckets that are counted in.
  const width = Math.max(1, Math.round((hours * 3_600_000) / BUCKETS / ACTIVITY_BUCKET_MS))
  const last = Math.floor(now / ACTIVITY_BUCKET_MS / width)
  const first = last - BUCKETS + 1
  const rows = database
    .prepare(
      `SELECT container, bucket / CAST(?1 AS INTEGER) AS wide, sum(count) AS n, max(severity) AS worst FROM activity
       WHERE bucket >= ?2 AND (?3 IS NULL OR container = ?3) GROUP BY container, wide ORDER BY wide`,
    )
    .all(width, first * width, container)
  const containers = [...Map.groupBy(rows, (row) => textOf(row, 'container'))].map(([name, found]) => ({
    name,
    total: found.reduce((sum, row) => sum + numberOf(row, 'n'), 0),
    found: found.map((row) => ({
      bucket: numberOf(row, 'wide') - first,
      count: numberOf(row, 'n'),
      worst: severities[numberOf(row, 'worst')] ?? 'critical',
    })),
  }))
  return {
    from: new Date(first * width * ACTIVITY_BUCKET_MS).toISOString(),
    bucketMs: width * ACTIVITY_BUCKET_MS,
    buckets: BUCKETS,
    containers: containers.sort((a, b) => b.total - a.total).slice(0, 200),
  }
}
