import type { Change } from '../../cow/change.ts'
import type { ChangeDiff, ContentDiff } from '../../cow/diff.ts'
import { type BytePath, pathText } from '../../lib/byte-path.ts'
import { printable } from '../../lib/printable.ts'
import type { Style } from '../style.ts'

const MOST_LINES = 1000
const LONGEST_LINE = 2000

/** The difference of one path as lines for people: what became of it, its metadata, its content. Escaped. */
export function diffText({ change, content, fields }: ChangeDiff, style: Style): string {
  const rows = fields.map(({ name, was, now }) => {
    const sides = [was, now].map((side) => (side === null ? '' : printable(side)))
    const told = was === null || now === null ? sides.join('') : sides.join(' → ')
    return `  ${style.dim(printable(name).padEnd(10))} ${told}`
  })
  const head = style.strong(`${change.kind} ${shown(change.path)}`) + style.dim(`  ${change.type}`)
  return `${[head, ...rows, ...(content === null ? [] : contentLines(content, change, style))].join('\n')}\n\n`
}

function contentLines(content: ContentDiff, change: Change, style: Style): readonly string[] {
  switch (content.as) {
    case 'link':
      return [
        ...(content.was === null ? [] : [style.bad(`- → ${shown(content.was)}`)]),
        ...(content.now === null ? [] : [style.good(`+ → ${shown(content.now)}`)]),
      ]
    case 'binary':
      return [content.was, content.now].flatMap((side, index) => {
        if (side === null) return []
        const text = `${index === 0 ? '-' : '+'} ${side.form}, ${side.sizeBytes} bytes, sha256 ${side.sha256 ?? 'not computed'}`
        return [index === 0 ? style.bad(text) : style.good(text)]
      })
    case 'text': {
      const before = change.was === null ? '/dev/null' : `image:${shown(change.path)}`
      const after = change.now === null ? '/dev/null' : `now:${shown(change.path)}`
      const lines = content.hunks.flatMap(({ wasStart, wasLines, nowStart, nowLines, lines: hunk }) => [
        style.dim(`@@ -${wasStart},${wasLines} +${nowStart},${nowLines} @@`),
        ...hunk.map((line) => paintedLine(line, style)),
      ])
      if (lines.length === 0) return []
      const rest = lines.length - MOST_LINES
      const more = rest > 0 ? [style.dim(`… and ${rest} more lines: see --json`)] : []
      return [`--- ${before}`, `+++ ${after}`, ...lines.slice(0, MOST_LINES), ...more]
    }
  }
}

function paintedLine(line: string, style: Style): string {
  const cut = line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line
  // A tab does a terminal no harm, and a text without its tabs is hard to read.
  const text = cut
    .split('\t')
    .map((part) => shown(part as BytePath))
    .join('\t')
  if (line.startsWith('+')) return style.good(text)
  if (line.startsWith('-')) return style.bad(text)
  return line.startsWith('\\') ? style.dim('\\ no line break at the end') : text
}

function shown(bytes: BytePath): string {
  return printable(pathText(bytes))
}
