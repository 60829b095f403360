import { printable } from '../../lib/printable.ts'

/** "9.9 MB", "12 kB": thousands, as engines print them. */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  const units = ['kB', 'MB', 'GB', 'TB']
  let value = bytes / 1000
  let unit = 0
  for (; value >= 999.5 && unit < units.length - 1; unit++) value /= 1000
  return `${value < 9.995 ? value.toFixed(1) : String(Math.round(value))} ${units[unit] ?? ''}`
}

/** A path or other bytes of an image, for people: text, with what could move a cursor escaped. */
export function shown(bytes: string): string {
  return printable(
    bytes
      .split('→')
      .map((part) => Buffer.from(part, 'latin1').toString('utf8'))
      .join('→'),
  )
}
