import type { Command, Option } from './command.ts'
import type { CommandEntry } from './commands.ts'

/** `paddock --help` and `paddock cow --help`: the list of what can be typed next. */
export function listHelp(prefix: string, entries: Readonly<Record<string, CommandEntry>>): string {
  const rows = Object.entries(entries).map(([name, entry]) => [name, entry.summary] as const)
  return [
    `Usage: ${prefix} COMMAND [OPTION…]`,
    '',
    'Commands:',
    ...columns(rows),
    '',
    `'${prefix} COMMAND --help' shows options and examples.`,
    ...(prefix === 'paddock' ? ["'paddock --version' shows the version."] : []),
    'Exit code: 0 all is well, 1 it found something, 2 it could not do what was asked.',
    '',
  ].join('\n')
}

/** `paddock scan --help`. */
export function commandHelp(command: Command): string {
  return [
    ...command.usage.map((line, index) => `${index === 0 ? 'Usage: ' : '       '}paddock ${line}`),
    '',
    command.description.trim(),
    '',
    'Options:',
    ...columns([
      ...Object.entries(command.options).map(
        ([name, option]) => [optionLabel(name, option), option.help] as const,
      ),
      ['-h, --help', 'show this'] as const,
    ]),
    '',
    'Examples:',
    ...command.examples.flatMap(([typed, gives]) => [`  ${typed}`, `      ${gives}`]),
    '',
  ].join('\n')
}

function optionLabel(name: string, option: Option): string {
  const short = option.short === undefined ? '' : `-${option.short}, `
  const value = option.type === 'string' ? ` ${option.value ?? 'VALUE'}` : ''
  return `${short}--${name}${value}`
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
}
