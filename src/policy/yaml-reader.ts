import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  type YAMLError,
} from 'yaml'
import { nearest } from '../lib/nearest.ts'
import type { Problem } from './problem.ts'

/** A node of a policy file, or nothing where a key has no value. */
export type YamlNode = Node | null

type Readers = Readonly<Record<string, (value: YamlNode) => unknown>>
type Fields<R extends Readers> = { [K in keyof R]: ReturnType<R[K]> | null }

/** Reads one YAML text into our own words, and gathers what is wrong with it. */
export interface YamlReader {
  readonly problems: Problem[]
  /** Null where the text is no YAML at all. */
  readonly root: YamlNode
  problem(node: YamlNode, message: string, hint: string | null): void
  lineOf(node: YamlNode): number
  isScalar(node: YamlNode): boolean
  /**
   * What the reader of each key makes of its value, null where the key is absent; a key that has no reader is a problem.
   * Null where it is no map, or anything in it is wrong.
   */
  map<R extends Readers>(node: YamlNode, what: string, readers: R): Fields<R> | null
  /** What `each` makes of the items, without those that it makes null of. */
  list<T>(node: YamlNode, what: string, each: (item: YamlNode) => T | null): readonly T[]
  /** Null, after a problem, where it is no text. A number or a truth value counts as it was typed. */
  text(node: YamlNode, what: string): string | null
  oneOf<const T extends string>(node: YamlNode, what: string, values: readonly T[]): T | null
}

const MOST_PROBLEMS = 50

const MEANT: Readonly<Record<string, readonly [message: string, hint: string | null]>> = {
  TAB_AS_INDENT: ['a tab indents this line', 'indent with spaces'],
  BAD_ALIAS: ["YAML takes '*' at the beginning for an alias", "put the pattern in quotes: '**/name'"],
  MULTIPLE_DOCS: ['there is more than one document', 'write one policy a file'],
}

/**
 * @param text at most a mebibyte: the caller bounds it
 */
export function readYaml(file: string, text: string): YamlReader {
  const problems: Problem[] = []
  const lines = new LineCounter()
  const root = parse()

  function report(offset: number | null, message: string, hint: string | null): void {
    if (problems.length > MOST_PROBLEMS) return
    const place = offset === null || problems.length === MOST_PROBLEMS ? null : lines.linePos(offset)
    if (problems.length === MOST_PROBLEMS) [message, hint] = ['and more of the kind', null]
    problems.push({
      level: 'error',
      file,
      line: place?.line ?? null,
      column: place?.col ?? null,
      message,
      hint,
    })
  }

  function reportYaml({ code, pos, message }: YAMLError): void {
    const [ours, hint] = MEANT[code] ?? [message, null]
    report(pos[0], ours, hint)
  }

  function parse(): YamlNode {
    try {
      // The library's own search for equal keys takes the square of their number.
      const documents = parseAllDocuments(text, {
        lineCounter: lines,
        prettyErrors: false,
        uniqueKeys: false,
      })
      const [first, second] = 'empty' in documents ? [] : documents
      if (first === undefined) return null
      for (const error of [...first.errors, ...first.warnings]) reportYaml(error)
      if (second !== undefined) report(second.range[0], ...(MEANT['MULTIPLE_DOCS'] ?? ['', null]))
      return problems.length === 0 ? first.contents : null
    } catch (error) {
      // The parser calls itself for each level of nesting.
      if (!(error instanceof RangeError)) throw error
      report(null, 'it is nested too deeply', 'a policy has three levels')
      return null
    }
  }

  function problem(node: YamlNode, message: string, hint: string | null): void {
    report(node?.range?.[0] ?? null, message, hint)
  }

  function refuseAlias(node: YamlNode): boolean {
    if (!isAlias(node)) return false
    problem(node, 'it is an alias', "write it out; a pattern that begins with '*' needs quotes")
    return true
  }

  function describe(node: YamlNode): string {
    if (isMap(node)) return 'a map'
    if (isSeq(node)) return 'a list'
    return isScalar(node) && node.value !== null ? `'${node.source ?? ''}'` : 'nothing'
  }

  function readPair(key: YamlNode, value: YamlNode, readers: Readers, read: Map<string, unknown>): void {
    const name = isScalar(key) && typeof key.value === 'string' ? key.value : null
    const reader = name !== null && Object.hasOwn(readers, name) ? readers[name] : undefined
    if (name === null) problem(key, 'a key is a plain word', null)
    else if (reader === undefined)
      problem(key, `unknown key '${name}'`, suggestion(name, Object.keys(readers)))
    else if (read.has(name)) problem(key, `'${name}' stands twice`, 'join the two')
    else if (value === null || (isScalar(value) && value.value === null))
      problem(key, `'${name}' has no value`, 'give it one or leave it out')
    else read.set(name, reader(value))
  }

  function readMap<R extends Readers>(node: YamlNode, what: string, readers: R): Fields<R> | null {
    const before = problems.length
    if (refuseAlias(node)) return null
    if (!isMap(node)) {
      problem(node, `${what} is a map of ${listing(Object.keys(readers))}, not ${describe(node)}`, null)
      return null
    }
    const read = new Map<string, unknown>()
    for (const { key, value } of node.items) readPair(key as YamlNode, value as YamlNode, readers, read)
    if (problems.length > before) return null
    return Object.fromEntries(Object.keys(readers).map((name) => [name, read.get(name) ?? null])) as Fields<R>
  }

  return {
    problems,
    root,
    problem,
    lineOf: (node) => (node?.range ? lines.linePos(node.range[0]).line : 1),
    isScalar: (node) => isScalar(node),
    map: readMap,
    list(node, what, each) {
      if (refuseAlias(node)) return []
      if (!isSeq(node)) {
        problem(node, `${what} is a list, not ${describe(node)}`, "begin each item with '- '")
        return []
      }
      return node.items.map((item) => each(item as YamlNode)).filter((item) => item !== null)
    },
    text(node, what) {
      if (refuseAlias(node)) return null
      if (isScalar(node) && typeof node.value === 'string') return node.value
      if (isScalar(node) && (typeof node.value === 'number' || typeof node.value === 'boolean'))
        return node.source ?? String(node.value)
      problem(node, `${what} is a text, not ${describe(node)}`, null)
      return null
    },
    oneOf(node, what, values) {
      const value = this.text(node, what)
      const known = values.find((candidate) => candidate === value)
      if (known !== undefined) return known
      if (value !== null) problem(node, `${what} cannot be '${value}'`, suggestion(value, values))
      return null
    },
  }
}

function suggestion(typed: string, known: readonly string[]): string {
  const near = nearest(typed, known)
  return near === null ? `write one of ${known.join(', ')}` : `write '${near}'`
}

function listing(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`
}
