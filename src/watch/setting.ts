/** Where a setting stands in its file: ["notify", 0, "url"]. */
export type Keys = readonly (string | number)[]

/** How settings of one file are read. */
export interface Reading {
  /** Throws a UserError that names the file, the line and the keys. */
  readonly fail: (keys: Keys, what: string) => never
  /** What relative paths are relative to. */
  readonly folder: string
}

/** @param known the keys that may stand there; null: any */
export function asMap(
  value: unknown,
  keys: Keys,
  known: readonly string[] | null,
  reading: Reading,
): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return reading.fail(keys, 'is not a map of keys')
  const unknown = Object.keys(value).find((key) => known !== null && !known.includes(key))
  if (unknown !== undefined && known !== null) {
    reading.fail([...keys, unknown], `is not a key here; there are ${known.join(', ')}`)
  }
  return value as Readonly<Record<string, unknown>>
}

export function asList(value: unknown, keys: Keys, reading: Reading): readonly unknown[] {
  if (value === undefined || value === null) return []
  return Array.isArray(value) ? (value as unknown[]) : reading.fail(keys, 'is not a list')
}

export function asText(value: unknown, keys: Keys, reading: Reading): string {
  return typeof value === 'string' && value !== '' ? value : reading.fail(keys, 'is not a text')
}

export function asBoolean(value: unknown, keys: Keys, reading: Reading): boolean {
  return typeof value === 'boolean' ? value : reading.fail(keys, 'is neither true nor false')
}

export function asNumber(value: unknown, keys: Keys, min: number, max: number, reading: Reading): number {
  return typeof value === 'number' && value >= min && value <= max
    ? value
    : reading.fail(keys, `is not a number from ${min} to ${max}`)
}

export function asOneOf<T extends string>(
  value: unknown,
  keys: Keys,
  values: readonly T[],
  reading: Reading,
): T {
  const found = values.find((allowed) => allowed === value)
  return found ?? reading.fail(keys, `is not one of ${values.join(', ')}`)
}

export function asUrl(value: unknown, keys: Keys, reading: Reading): string {
  const url = URL.parse(asText(value, keys, reading))
  return url !== null && (url.protocol === 'https:' || url.protocol === 'http:')
    ? url.href
    : reading.fail(keys, 'is not an address that begins with http:// or https://')
}
