import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const page = join(import.meta.dirname, '../docs/performance.md')

/** A table of Markdown, aligned as the formatter wants it. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) =>
    Math.max(3, name.length, ...rows.map((row) => (row[column] ?? '').length)),
  )
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |\n`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('')
}

/** Puts a benchmark's section in the place of its last one in docs/performance.md, between its two marks. */
export function putSection(name: string, text: string): void {
  const [begin, end] = [`<!-- bench/${name}: begin -->`, `<!-- bench/${name}: end -->`]
  const before = readFileSync(page, 'utf8')
  const [from, to] = [before.indexOf(begin), before.indexOf(end)]
  if (from < 0 || to < 0)
    throw new Error(`docs/performance.md has no place for ${name}: put ${begin} and ${end}`)
  writeFileSync(page, `${before.slice(0, from)}${begin}\n\n${text.trim()}\n\n${before.slice(to)}`)
}
