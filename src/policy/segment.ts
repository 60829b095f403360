import picomatch from 'picomatch'

/**
 * The wildcards of one path segment. Stars are matched here, by leftmost search for what stands between them,
 * which is exact for `*` and cannot backtrack: the time is at most (length of the name) x (length of the pattern),
 * whatever an intruder calls his files. What stands between the stars has a fixed length, and picomatch
 * knows its grammar (`?`, `[a-z]`, `[!a-z]`, `[[:alpha:]]`).
 * A regular expression of the whole pattern would take seconds on `*a*a*a*a*b` and 255 times "a".
 */
export interface Segment {
  /** The pattern. */
  readonly source: string
  /** The name itself, where there is no wildcard in it. */
  readonly literal: string | null
  /** What every matching name begins and ends with. */
  readonly prefix: string
  readonly suffix: string
  /** `characterMask` of what every matching name contains. */
  readonly mask: number
  matches(name: string): boolean
}

/** Fixed length, no star. */
interface Piece {
  readonly length: number
  readonly literal: string | null
  matchesAt(name: string, at: number): boolean
  /** The first place at or after `from`; -1 where there is none. */
  find(name: string, from: number): number
}

/** A wildcard that cannot be meant: the message says why, the hint what to write. */
export class GlobError extends Error {
  override readonly name = 'GlobError'
  readonly hint: string
  constructor(message: string, hint: string) {
    super(message)
    this.hint = hint
  }
}

/**
 * Which of 32 groups of characters occur in a name: a pattern whose own mask is not within it cannot match.
 */
export function characterMask(name: string): number {
  let mask = 0
  for (let index = 0; index < name.length; index++) mask |= 1 << (name.charCodeAt(index) & 31)
  return mask
}

/**
 * @param pattern one segment as bytes (see `BytePath`), without `/`
 * @throws GlobError
 */
export function compileSegment(pattern: string): Segment {
  const pieces = splitAtStars(pattern).map(compilePiece)
  const first = pieces[0]
  const last = pieces.at(-1)
  if (first === undefined || last === undefined) throw new Error('a pattern has at least one piece')
  const described = {
    source: pattern,
    prefix: first.literal ?? '',
    suffix: last.literal ?? '',
    mask: pieces.reduce((mask, { literal }) => mask | characterMask(literal ?? ''), 0),
  }
  if (pieces.length === 1) {
    const { literal, length } = first
    if (literal !== null) return { ...described, literal, matches: (name) => name === literal }
    return {
      ...described,
      literal: null,
      matches: (name) => name.length === length && first.matchesAt(name, 0),
    }
  }
  const middle = pieces.slice(1, -1).filter((piece) => piece.length > 0)
  return { ...described, literal: null, matches: (name) => matchesStars(name, first, middle, last) }
}

function matchesStars(name: string, first: Piece, middle: readonly Piece[], last: Piece): boolean {
  const end = name.length - last.length
  if (end < first.length || !first.matchesAt(name, 0) || !last.matchesAt(name, end)) return false
  let at = first.length
  for (const piece of middle) {
    const found = piece.find(name, at)
    if (found === -1) return false
    at = found + piece.length
    if (at > end) return false
  }
  return true
}

/** One character of a name: itself, or the set of bytes that `?` or a class stands for. */
type Item = string | ByteSet
type ByteSet = Uint8Array

function splitAtStars(pattern: string): Item[][] {
  const pieces: Item[][] = [[]]
  for (let at = 0; at < pattern.length; at++) {
    const piece = pieces[pieces.length - 1] ?? []
    const character = pattern.charAt(at)
    if (character === '*') {
      if (pattern[at + 1] === '*') {
        throw new GlobError(
          "'**' does not stand alone between slashes",
          "write '*' for any part of a name, '/**/' for any folders",
        )
      }
      pieces.push([])
    } else if (character === '?') {
      piece.push(ANY_BYTE)
    } else if (character === '[') {
      const text = readClass(pattern, at)
      piece.push(byteSet(text))
      at += text.length - 1
    } else if (character === '\\') {
      at += 1
      if (at === pattern.length)
        throw new GlobError("it ends in a single '\\'", "write '\\\\' for a backslash in a name")
      piece.push(pattern.charAt(at))
    } else {
      piece.push(character)
    }
  }
  return pieces
}

// gitignore(5) through wildmatch.c: a `]` right after the opening is a member; a backslash quotes; [:name:] nests.
const CLASS = /\[[!^]?(?:\]|)(?:\[:[a-z]*:\]|\\[^]|[^\]\\])*\]/y

function readClass(pattern: string, at: number): string {
  CLASS.lastIndex = at
  const text = CLASS.exec(pattern)?.[0]
  if (text === undefined)
    throw new GlobError("a '[' has no ']' in the same name", "write '\\[' for a bracket in a name")
  if (/[\x80-\xff]/.test(text)) {
    throw new GlobError(
      'a class in brackets holds a character that is more than one byte in UTF-8',
      "names are matched byte by byte; write '*' or one pattern for each character",
    )
  }
  return text
}

function compilePiece(items: readonly Item[]): Piece {
  const length = items.length
  if (items.every((item) => typeof item === 'string')) {
    const literal = items.join('')
    return {
      length,
      literal,
      matchesAt: (name, at) => name.startsWith(literal, at),
      find: (name, from) => name.indexOf(literal, from),
    }
  }
  const sets = items.map((item) => (typeof item === 'string' ? oneByte(item) : item))
  function matchesAt(name: string, at: number): boolean {
    for (let index = 0; index < length; index++)
      if (sets[index]?.[name.charCodeAt(at + index)] !== 1) return false
    return true
  }
  return {
    length,
    literal: null,
    matchesAt,
    find(name, from) {
      for (let at = from; at + length <= name.length; at++) if (matchesAt(name, at)) return at
      return -1
    },
  }
}

const knownSets = new Map<string, ByteSet>()
const MOST_KNOWN_SETS = 256

const ANY_BYTE: ByteSet = new Uint8Array(256).fill(1)

function oneByte(character: string): ByteSet {
  const set = new Uint8Array(256)
  set[character.charCodeAt(0)] = 1
  return set
}

/** Asks picomatch about each byte in turn, once: what it makes of a class has a fixed length then, and costs a look-up. */
function byteSet(text: string): ByteSet {
  const known = knownSets.get(text)
  if (known !== undefined) return known
  // Of a needless backslash picomatch makes a regular expression's class: \d.
  const quoted = text.replace(/\\([^])/g, (pair, character: string) =>
    /\w/.test(character) ? character : pair,
  )
  const expression = picomatch.makeRe(quoted, { dot: true, posix: true, flags: 's' })
  const set = Uint8Array.from(ANY_BYTE, (_, byte) =>
    byte !== 0x2f && expression.test(String.fromCharCode(byte)) ? 1 : 0,
  )
  if (!set.includes(1))
    throw new GlobError(`the class '${text}' holds no character`, "write a range from low to high, '[a-z]'")
  if (knownSets.size < MOST_KNOWN_SETS) knownSets.set(text, set)
  return set
}
