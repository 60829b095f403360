export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** Nanoseconds as milliseconds for people. */
export function ms(ns: number): string {
  const value = ns / 1e6
  return Number.isNaN(value) ? '–' : `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ms`
}

/** "+2.1 %" of 1.021. */
export function percent(ratio: number): string {
  const value = (ratio - 1) * 100
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)} %`
}
