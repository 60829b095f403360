import { printable } from '../../lib/printable.ts'
import { quotedText, yamlText } from '../literal.ts'
import type { Learnt, LearntChange, LearntProcess } from './seen.ts'

/**
 * The policy file of what was learnt, each line with what it was learnt from. What the container chose stays text in it,
 * whatever it holds.
 * @param head lines of comment
 */
export function policyFile(container: string, learnt: Learnt, head: readonly string[]): string {
  return [
    ...head.map(comment),
    `match: { container: ${yamlText(container.replace(/[\\*?[\]]/g, '\\$&'))} }`,
    ...learntLines(learnt),
    ...leftOutLines(learnt),
    '',
  ].join('\n')
}

/** The lines alone, in their sections. */
export function learntLines({ expect, processes, execAllow }: Learnt): string[] {
  return [
    ...section('expect', expect.map(changeLine)),
    ...section('processes', processes.map(processLine)),
    ...section(
      'execAllow',
      execAllow.map(({ glob, from }) => [yamlText(glob), from] as const),
    ),
  ]
}

/** What a person is to decide, as comments. */
export function leftOutLines({ leftOut }: Learnt): string[] {
  if (leftOut.length === 0) return []
  return [
    comment('Not learnt; add it by hand if it is meant:'),
    ...leftOut.map(({ what, why }) => comment(`  ${printable(what)}: ${why}`)),
  ]
}

type Line = readonly [text: string, from: string]

function section(name: string, lines: readonly Line[]): string[] {
  return lines.length === 0
    ? []
    : [`${name}:`, ...lines.map(([text, from]) => `  - ${text} # ${printable(from)}`)]
}

function changeLine({ glob, kinds, maxSizeBytes, from }: LearntChange): Line {
  const size = maxSizeBytes === null ? '' : `, maxSize: ${maxSizeBytes}`
  return [`{ path: ${yamlText(glob)}, kinds: [${kinds.join(', ')}]${size} }`, from]
}

function processLine({ exe, user, args, required, from }: LearntProcess): Line {
  const more = `${args === null ? '' : `, args: ${quotedText(args)}`}${required ? ', required: true' : ''}`
  // A number in quotes: a user is a text.
  const name = /^[a-z_][a-z_-]*$/.test(user) ? yamlText(user) : quotedText(user)
  return [`{ exe: ${yamlText(exe)}, user: ${name}${more} }`, from]
}

function comment(line: string): string {
  return line === '' ? '#' : `# ${line}`
}
