import type { Command, Option } from './command.ts'
import type { CommandEntry } from './commands.ts'

/** The widest text that is still easy to read, and what is used where there is no terminal. */
const WIDEST = 100
const NARROWEST = 40

/**
 * `paddock --help` and `paddock cow --help`: the list of what can be typed next.
 * @param columns of the terminal; without one the text is as wide as is easy to read
 */
export function listHelp(
  prefix: string,
  entries: Readonly<Record<string, CommandEntry>>,
  columns = WIDEST,
): string {
  const width = usableWidth(columns)
  const rows = Object.entries(entries).map(([name, entry]) => [name, entry.summary] as const)
  return [
    `Usage: ${prefix} COMMAND [OPTION…]`,
    '',
    'Commands:',
    ...table(rows, width),
    '',
    ...wrap(`'${prefix} COMMAND --help' shows options and examples.`, width),
    ...(prefix === 'paddock' ? ["'paddock --version' shows the version."] : []),
    ...wrap('Exit code: 0 all is well, 1 it found something, 2 it could not do what was asked.', width),
    '',
  ].join('\n')
}

/** `paddock scan --help`. */
export function commandHelp(command: Command, columns = WIDEST): string {
  const width = usableWidth(columns)
  return [
    ...command.usage.map((line, index) => `${index === 0 ? 'Usage: ' : '       '}paddock ${line}`),
    '',
    ...paragraphs(command.description, width),
    'Options:',
    ...table(
      [
        ...Object.entries(command.options).map(
          ([name, option]) => [optionLabel(name, option), option.help] as const,
        ),
        ['-h, --help', 'show this'] as const,
      ],
      width,
    ),
    '',
    'Examples:',
    ...command.examples.flatMap(([typed, gives]) => [`  ${typed}`, ...wrap(gives, width, '      ')]),
    '',
  ].join('\n')
}

function usableWidth(columns: number): number {
  return Math.min(WIDEST, Math.max(NARROWEST, columns))
}

function optionLabel(name: string, option: Option): string {
  const short = option.short === undefined ? '' : `-${option.short}, `
  const value = option.type === 'string' ? ` ${option.value ?? 'VALUE'}` : ''
  return `${short}--${name}${value}`
}

/** Two columns; on a narrow terminal the second below the first. */
function table(rows: readonly (readonly [string, string])[], width: number): string[] {
  const left = Math.max(...rows.map(([label]) => label.length))
  const indent = left + 4
  if (width - indent < NARROWEST)
    return rows.flatMap(([label, text]) => [`  ${label}`, ...wrap(text, width, '      ')])
  return rows.flatMap(([label, text]) => {
    const [first = '', ...more] = wrap(text, width, ' '.repeat(indent))
    return [`  ${label.padEnd(left)}  ${first.trimStart()}`, ...more]
  })
}

/** Each with an empty line behind it. Lines that are indented stay as they are. */
function paragraphs(text: string, width: number): string[] {
  return text
    .trim()
    .split(/\n{2,}/)
    .flatMap((paragraph) => {
      const isFixed = /^\s/m.test(paragraph)
      return [...(isFixed ? paragraph.split('\n') : wrap(paragraph, width)), '']
    })
}

function wrap(text: string, width: number, indent = ''): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(/\s+/)) {
    if (line !== '' && indent.length + line.length + 1 + word.length > width) {
      lines.push(indent + line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, indent + line]
}
