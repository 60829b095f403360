import { UserError } from './errors.ts'

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * "90s", "10m", "2h", "1h30m" in milliseconds.
 * @throws UserError when it is not written like that, or is nothing
 */
export function parseDuration(text: string): number {
  const parts = /^(?:\d+(?:ms|[smhd]))+$/.test(text) ? [...text.matchAll(/(\d+)(ms|[smhd])/g)] : []
  const ms = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit ?? ''] ?? 0), 0)
  if (ms > 0 && Number.isSafeInteger(ms)) return ms
  throw new UserError(`'${text}' is not a length of time`, { hint: 'write it like 90s, 10m, 2h or 1h30m' })
}
