import { printable } from '../../lib/printable.ts'
import { globFor } from '../glob-for.ts'

/** What to add to the command line so that these stay, for a shell. */
export function keepLine(paths: readonly string[]): string {
  return paths.map((path) => `--keep ${quoted(globFor(path))}`).join(' ')
}

/** One word for a shell. */
export function quoted(text: string): string {
  return /^[\w./+@%:,-]+$/.test(text) ? text : `'${printable(text).replaceAll("'", `'\\''`)}'`
}
