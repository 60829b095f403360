import type { ChangeKind } from '../cow/change.ts'
import { bytePathFromText } from '../lib/byte-path.ts'
import { compileGlob } from './glob.ts'
import { compileTree, type MatchTree } from './match-tree.ts'
import type { ExecMode, ExecRule, ExpectRule, ProcessRule } from './policy.ts'
import { compileArguments } from './processes.ts'
import { compileSegment, GlobError, type Segment } from './segment.ts'
import { parseSize } from './size.ts'
import type { YamlNode, YamlReader } from './yaml-reader.ts'

/** Whom a declaration speaks of. */
export interface Match {
  /** Of the container's name; null is any. */
  readonly container: Segment | null
  /** Of the image's reference; null is any. */
  readonly image: MatchTree | null
}

/** One place that says what is expected: a file, a service's `x-paddock`, a container's labels. */
export interface Declaration {
  /** A path, or "label". */
  readonly file: string
  readonly match: Match
  readonly expect: readonly ExpectRule[]
  /** Null: says nothing about processes. */
  readonly processes: readonly ProcessRule[] | null
  /** Null: says nothing about it. */
  readonly exec: ExecMode | null
  readonly execAllow: readonly ExecRule[]
}

const KINDS: readonly ChangeKind[] = ['added', 'modified', 'deleted', 'metadata', 'replaced']
const MODES: readonly ExecMode[] = ['alert', 'deny']
const MOST_RULES = 10_000

/**
 * Reads the one grammar of policies from a YAML map.
 * @param match what a service or a label implies; null where the text must say it with `match`
 * @returns null where nothing of use could be read; what is wrong stands in `yaml.problems`
 */
export function readDeclaration(
  yaml: YamlReader,
  file: string,
  node: YamlNode,
  match: Match | null,
): Declaration | null {
  const source = (item: YamlNode) => ({ file, line: yaml.lineOf(item) })
  const fields = yaml.map(node, 'a policy', {
    match: (value) => readMatch(yaml, value, match),
    expect: (value) => readExpectList(yaml, file, value),
    processes: (value) =>
      readRules(yaml, value, 'processes', (item) => readProcess(yaml, item, source(item))),
    exec: (value) => yaml.oneOf(value, 'exec', MODES),
    execAllow: (value) =>
      readRules(yaml, value, 'execAllow', (item): ExecRule | null => {
        const glob = readGlob(yaml, item, 'an item of execAllow')
        return glob === null ? null : { glob, source: source(item) }
      }),
  })
  if (fields === null) return null
  const whom = match ?? fields.match
  if (whom === null) {
    yaml.problem(
      node,
      "'match' is missing",
      'say whom it speaks of: match: { container: web }, or { container: "*" } for all',
    )
    return null
  }
  const { expect, processes, exec, execAllow } = fields
  return { file, match: whom, expect: expect ?? [], processes, exec, execAllow: execAllow ?? [] }
}

/** Reads what stands in `expect`. */
export function readExpectList(yaml: YamlReader, file: string, node: YamlNode): readonly ExpectRule[] {
  return readRules(yaml, node, 'expect', (item) => readExpect(yaml, item, { file, line: yaml.lineOf(item) }))
}

function readRules<T>(
  yaml: YamlReader,
  node: YamlNode,
  what: string,
  each: (item: YamlNode) => T | null,
): readonly T[] {
  const rules = yaml.list(node, what, each)
  if (rules.length <= MOST_RULES) return rules
  yaml.problem(node, `${what} has more than ${MOST_RULES} items`, 'join them by patterns')
  return []
}

function readMatch(yaml: YamlReader, node: YamlNode, implied: Match | null): Match | null {
  if (implied !== null) {
    yaml.problem(node, "'match' is implied here", 'leave it out')
    return null
  }
  const match = yaml.map(node, 'match', {
    container: (value) => readPattern(yaml, value, 'container', compileContainerName),
    // References have no slash in front; beyond that they are matched as paths are.
    image: (value) => readPattern(yaml, value, 'image', (text) => compileTree([compileGlob(`/${text}`)])),
  })
  if (match === null || match.container !== null || match.image !== null) return match
  yaml.problem(
    node,
    'match names neither a container nor an image',
    'write { container: web }, or { container: "*" } for all',
  )
  return null
}

function compileContainerName(text: string): Segment {
  if (text.includes('/')) throw new GlobError("it holds a '/'", "a container's name has none")
  return compileSegment(bytePathFromText(text))
}

function readExpect(yaml: YamlReader, node: YamlNode, source: ExpectRule['source']): ExpectRule | null {
  if (yaml.isScalar(node)) {
    const glob = readGlob(yaml, node, 'an item of expect')
    return glob === null ? null : { glob, kinds: null, maxSizeBytes: null, source }
  }
  const fields = yaml.map(node, 'an item of expect', {
    path: (value) => readGlob(yaml, value, 'path'),
    kinds: (value) => readKinds(yaml, value),
    maxSize: (value) => readSize(yaml, value),
  })
  if (fields === null) return null
  if (fields.path === null) {
    yaml.problem(node, "'path' is missing", 'write { path: /run/x.pid }')
    return null
  }
  return { glob: fields.path, kinds: fields.kinds, maxSizeBytes: fields.maxSize, source }
}

function readKinds(yaml: YamlReader, node: YamlNode): ReadonlySet<ChangeKind> {
  const before = yaml.problems.length
  const kinds = new Set(yaml.list(node, 'kinds', (item) => yaml.oneOf(item, 'a kind', KINDS)))
  if (kinds.size === 0 && yaml.problems.length === before)
    yaml.problem(node, 'kinds is an empty list', 'leave it out for every kind')
  return kinds
}

function readProcess(yaml: YamlReader, node: YamlNode, source: ProcessRule['source']): ProcessRule | null {
  const fields = yaml.map(node, 'an item of processes', {
    exe: (value) => readGlob(yaml, value, 'exe'),
    user: (value) => yaml.text(value, 'user'),
    args: (value) => readPattern(yaml, value, 'args', readArguments),
    required: (value) => yaml.oneOf(value, 'required', ['true', 'false']),
  })
  if (fields === null) return null
  if (fields.exe === null) {
    yaml.problem(node, "'exe' is missing", 'write { exe: /usr/sbin/nginx }')
    return null
  }
  const { exe, user, args, required } = fields
  return { exe, user, args, required: required === 'true', source }
}

function readArguments(text: string): string {
  compileArguments(text)
  return text
}

function readSize(yaml: YamlReader, node: YamlNode): number | null {
  const text = yaml.text(node, 'maxSize')
  if (text === null) return null
  const size = parseSize(text)
  if (size === null) yaml.problem(node, `'${text}' is not a size`, 'write bytes, or as 1KiB, 10MB')
  return size
}

function readGlob(yaml: YamlReader, node: YamlNode, what: string): string | null {
  return readPattern(yaml, node, what, (text) => compileGlob(text).text)
}

function readPattern<T>(
  yaml: YamlReader,
  node: YamlNode,
  what: string,
  compile: (text: string) => T,
): T | null {
  const text = yaml.text(node, what)
  if (text === null) return null
  try {
    return compile(text)
  } catch (error) {
    if (!(error instanceof GlobError)) throw error
    yaml.problem(node, `the pattern '${text}' cannot be used: ${error.message}`, error.hint)
    return null
  }
}
