import { UserError } from '../lib/errors.ts'

/*
 * /etc/docker/daemon.json belongs to the operator: one key is set or taken away, and every other byte stays.
 */

interface Member {
  readonly key: string
  readonly keyStart: number
  readonly keyEnd: number
  readonly valueStart: number
  readonly valueEnd: number
}

interface Scan {
  readonly members: readonly Member[]
  /** Behind the opening brace. */
  readonly bodyStart: number
  /** Of the closing brace. */
  readonly bodyEnd: number
}

/**
 * Parses the file. An empty one is an empty object, as for the daemon.
 * @param shown the path, for the message
 * @throws a UserError with the place of the mistake; comments are named as such
 */
export function parseDaemonJson(text: string, shown: string): Readonly<Record<string, unknown>> {
  if (text.trim() === '') return {}
  const value = parse(text, shown)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UserError(`cannot use ${shown}: it holds no JSON object but ${describe(value)}`, {
      hint: 'correct the file; the engine would not start with it either',
    })
  const keys = scan(text).members.map(({ key }) => key)
  const twice = keys.find((key, index) => keys.indexOf(key) !== index)
  if (twice !== undefined)
    throw new UserError(`cannot use ${shown}: "${twice}" stands in it twice`, {
      hint: 'take one of the two away; which of them counts is not for Paddock to guess',
    })
  return value as Readonly<Record<string, unknown>>
}

/** The file with this key set, every other byte as it was. The file has been parsed before. */
export function setKey(text: string, key: string, value: string): string {
  const quoted = JSON.stringify(value)
  if (text.trim() === '') return `{\n  ${JSON.stringify(key)}: ${quoted}\n}\n`
  const { members, bodyStart, bodyEnd } = scan(text)
  const present = members.find((member) => member.key === key)
  if (present !== undefined) return text.slice(0, present.valueStart) + quoted + text.slice(present.valueEnd)
  const first = members[0]
  const last = members.at(-1)
  if (first === undefined || last === undefined)
    return `${text.slice(0, bodyStart)}\n  ${JSON.stringify(key)}: ${quoted}\n${text.slice(bodyEnd)}`
  // Written as the first member is: on a line of its own with that indentation, or on the same line.
  const gap = text.slice(bodyStart, first.keyStart)
  const colon = text.slice(first.keyEnd, first.valueStart)
  const between = /^\s*:\s*$/.test(colon) ? colon : ': '
  const added = `,${members.length > 1 || gap.includes('\n') ? gap : ' '}${JSON.stringify(key)}${between}${quoted}`
  return text.slice(0, last.valueEnd) + added + text.slice(last.valueEnd)
}

/** The file without this key and its comma, every other byte as it was. */
export function removeKey(text: string, key: string): string {
  if (text.trim() === '') return text
  const { members } = scan(text)
  const index = members.findIndex((member) => member.key === key)
  const member = members[index]
  if (member === undefined) return text
  const next = members[index + 1]
  const previous = members[index - 1]
  if (next !== undefined) return text.slice(0, member.keyStart) + text.slice(next.keyStart)
  const start = previous?.valueEnd ?? scan(text).bodyStart
  return text.slice(0, start) + text.slice(member.valueEnd)
}

function parse(text: string, shown: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const { place, comment } = firstOddity(text)
    if (comment)
      throw new UserError(`cannot use ${shown}: line ${place} is a comment, and comments are not JSON`, {
        hint: 'take the comment out; the engine would not start with it either',
        cause: error,
      })
    const why = error instanceof Error ? error.message.replace(/ in JSON at position.*| \(line.*/s, '') : ''
    throw new UserError(`cannot use ${shown}: it is not JSON (${why}${lineOf(error, text)})`, {
      hint: 'correct the file; the engine would not start with it either',
      cause: error,
    })
  }
}

function lineOf(error: unknown, text: string): string {
  const position = /position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1]
  if (position === undefined) return ''
  return `, line ${text.slice(0, Number(position)).split('\n').length}`
}

/** Whether a `//`, `/*` or `#` stands outside of every string, and on which line. */
function firstOddity(text: string): { place: number; comment: boolean } {
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '"') at = stringEnd(text, at) - 1
    else if (text[at] === '#' || (text[at] === '/' && /[/*]/.test(text[at + 1] ?? '')))
      return { place: text.slice(0, at).split('\n').length, comment: true }
  }
  return { place: 0, comment: false }
}

/** Where the members of the outermost object stand. The text is known to be JSON. */
function scan(text: string): Scan {
  const members: Member[] = []
  const open = text.indexOf('{')
  let at = open + 1
  for (;;) {
    at = skip(text, at, /[\s,]/)
    if (text[at] !== '"') return { members, bodyStart: open + 1, bodyEnd: at }
    const keyStart = at
    const keyEnd = stringEnd(text, at)
    const valueStart = skip(text, keyEnd, /[\s:]/)
    const valueEnd = endOfValue(text, valueStart)
    const key = JSON.parse(text.slice(keyStart, keyEnd)) as string
    members.push({ key, keyStart, keyEnd, valueStart, valueEnd })
    at = valueEnd
  }
}

function skip(text: string, at: number, what: RegExp): number {
  while (at < text.length && what.test(text[at] ?? '')) at++
  return at
}

function stringEnd(text: string, at: number): number {
  for (at++; at < text.length && text[at] !== '"'; at++) if (text[at] === '\\') at++
  return at + 1
}

function endOfValue(text: string, at: number): number {
  let depth = 0
  for (; at < text.length; at++) {
    const character = text[at] ?? ''
    if (character === '"') {
      at = stringEnd(text, at) - 1
      if (depth === 0) return at + 1
    } else if ('[{'.includes(character)) depth++
    else if (']}'.includes(character)) {
      if (depth === 0) return trimmedEnd(text, at)
      if (--depth === 0) return at + 1
    } else if (character === ',' && depth === 0) return trimmedEnd(text, at)
  }
  return at
}

/** A number or a word ends before the white space behind it. */
function trimmedEnd(text: string, at: number): number {
  while (/\s/.test(text[at - 1] ?? '')) at--
  return at
}

function describe(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'a list' : `a ${typeof value}`
}
