import { bytePathFromText } from '../lib/byte-path.ts'
import { compileSegment, GlobError, type Segment } from './segment.ts'

/** A pattern, segment by segment; `gap` is `**`: any number of folders, or at the end everything below. */
export type GlobPart = 'gap' | Segment

export interface Glob {
  readonly text: string
  readonly parts: readonly GlobPart[]
}

const LONGEST_PATTERN_BYTES = 4096

/**
 * Compiles one pattern over absolute paths inside the container: gitignore's wildcards, anchored, no negation.
 * `*`, `?` and `[…]` stay within one name, and hidden names are names like any other; `/**` at the end is everything
 * below, not the folder itself. A pattern names one path and never hides what merely contains it.
 * @throws GlobError with what was meant
 */
export function compileGlob(text: string): Glob {
  const pattern = bytePathFromText(text)
  if (pattern.length > LONGEST_PATTERN_BYTES)
    throw new GlobError(`it is longer than ${LONGEST_PATTERN_BYTES} bytes`, 'split it into several')
  if (text.startsWith('!'))
    throw new GlobError(
      'nothing can be taken out of what is expected',
      "leave out the '!' rule and name what is expected",
    )
  if (pattern.includes('\0')) throw new GlobError('it holds a NUL character', 'no file name does')
  if (!pattern.startsWith('/') && !pattern.startsWith('**/')) {
    throw new GlobError(
      'it is not anchored',
      `write '/${text}' for that path in the container, or '**/${text}' for that name in every folder`,
    )
  }
  if (pattern === '/') return { text, parts: [] }
  if (pattern.endsWith('/')) {
    throw new GlobError(
      "it ends in '/'",
      `write '${text}**' for everything in the folder, '${text.slice(0, -1)}' for the folder itself`,
    )
  }
  const names = (pattern.startsWith('/') ? pattern.slice(1) : pattern).split('/')
  return { text, parts: simplify(names.map(compilePart)) }
}

function compilePart(name: string): GlobPart {
  if (name === '**') return 'gap'
  if (name === '' || name === '.' || name === '..') {
    throw new GlobError(
      name === '' ? "it has nothing between two '/'" : `'${name}' is never part of a path in the container`,
      'write the path as `ls` in the container would show it',
    )
  }
  return compileSegment(name)
}

/** `**` twice is `**` once, and `/**` followed by a lone `*` at the end is everything below, as `/**` is. */
function simplify(parts: readonly GlobPart[]): readonly GlobPart[] {
  const once = parts.filter((part, index) => part !== 'gap' || parts[index - 1] !== 'gap')
  const last = once.at(-1)
  if (once.at(-2) === 'gap' && last !== undefined && last !== 'gap' && isAnyName(last))
    return once.slice(0, -1)
  return once
}

function isAnyName(segment: Segment): boolean {
  return segment.literal === null && segment.matches('') && segment.matches('\xff\n') && segment.mask === 0
}
