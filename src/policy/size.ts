const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
}

/** "1KiB", "1.5 MB", "512": bytes, rounded down; null where it is no size. */
export function parseSize(text: string): number | null {
  const [, number, unit] = /^(\d{1,15}(?:\.\d{1,6})?) ?([a-z]*)$/i.exec(text) ?? []
  const factor = unit !== undefined && Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined
  if (number === undefined || factor === undefined) return null
  const bytes = Math.floor(Number(number) * factor)
  return Number.isSafeInteger(bytes) ? bytes : null
}
