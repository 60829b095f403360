import type { BytePath } from '../lib/byte-path.ts'
import type { Glob } from './glob.ts'
import { characterMask, type Segment } from './segment.ts'

/**
 * Many globs at once, as a tree of path segments that is walked alongside the folders: what no pattern speaks of
 * costs one look-up a name, and patterns are told apart by what a name must begin or end with before any is tried.
 */
export interface MatchTree {
  readonly root: Folder
  /** One step down; `name` as the kernel has it. */
  enter(folder: Folder, name: string): Folder
  /** From the root; the last folders asked for are remembered. */
  folder(path: BytePath): Folder
  /** Which globs, by their index, match `name` in `folder`: unordered, each once. */
  matches(folder: Folder, name: string): readonly number[]
  /** The same for a whole path. */
  matchesPath(path: BytePath): readonly number[]
}

/** Where in the tree a folder stands. */
export interface Folder {
  readonly nodes: readonly Node[]
  /** Globs that match everything below this folder. */
  readonly below: readonly number[]
}

interface Node {
  readonly literals: Map<string, Node>
  /** By their pattern: what several globs begin with is one node. */
  readonly wild: Map<string, Edge>
  /** The globs that end here. */
  readonly ends: number[]
  /** The globs that go on in `/**` and nothing more. */
  readonly below: number[]
  /** Behind `**`: stays in force in every folder below. */
  gap: Node | null
  readonly repeats: boolean
  index: EdgeIndex | null
}

interface Edge {
  readonly segment: Segment
  readonly node: Node
}

/** The wild edges of one node by what a name must end with, begin with, or contain. */
interface EdgeIndex {
  readonly suffixes: readonly Bucket[]
  readonly prefixes: readonly Bucket[]
  readonly rest: readonly Edge[]
}

interface Bucket {
  readonly length: number
  readonly edges: ReadonlyMap<string, readonly Edge[]>
}

const INDEXED_CHARACTERS = 16
const REMEMBERED_FOLDERS = 64
const NONE: readonly number[] = []

export function compileTree(globs: readonly Glob[]): MatchTree {
  const top = newNode(false)
  const rootMatches: number[] = []
  globs.forEach((glob, index) => {
    if (glob.parts.length === 0) rootMatches.push(index)
    else insert(top, glob, index)
  })
  const root = settle([top], NONE)
  const remembered = new Map<string, Folder>()

  function folder(path: BytePath): Folder {
    if (path === '/') return root
    const known = remembered.get(path)
    if (known !== undefined) return known
    // The nearest remembered folder above, then down again: deep paths must not recurse.
    let end = path.lastIndexOf('/')
    while (end > 0 && !remembered.has(path.slice(0, end))) end = path.lastIndexOf('/', end - 1)
    let found = end > 0 ? (remembered.get(path.slice(0, end)) ?? root) : root
    for (const name of path.slice(end + 1).split('/')) found = enter(found, name)
    if (remembered.size >= REMEMBERED_FOLDERS) remembered.clear()
    remembered.set(path, found)
    return found
  }

  function matches(inFolder: Folder, name: string): readonly number[] {
    let found = inFolder.below
    for (const node of stepped(inFolder.nodes, name)) {
      if (node.ends.length > 0) found = found.length === 0 ? node.ends : [...found, ...node.ends]
    }
    return found
  }

  return {
    root,
    enter,
    folder,
    matches,
    matchesPath(path) {
      if (path === '/') return rootMatches
      const slash = path.lastIndexOf('/')
      return matches(folder((slash === 0 ? '/' : path.slice(0, slash)) as BytePath), path.slice(slash + 1))
    },
  }
}

function newNode(repeats: boolean): Node {
  return { literals: new Map(), wild: new Map(), ends: [], below: [], gap: null, repeats, index: null }
}

function insert(top: Node, glob: Glob, index: number): void {
  let node = top
  for (const [at, part] of glob.parts.entries()) {
    if (part === 'gap') {
      if (at === glob.parts.length - 1) {
        node.below.push(index)
        return
      }
      node = node.gap ??= newNode(true)
    } else if (part.literal !== null) {
      const next = node.literals.get(part.literal) ?? newNode(false)
      node.literals.set(part.literal, next)
      node = next
    } else {
      const edge = node.wild.get(part.source) ?? { segment: part, node: newNode(false) }
      node.wild.set(part.source, edge)
      node = edge.node
    }
  }
  node.ends.push(index)
}

function enter(folder: Folder, name: string): Folder {
  const nodes = folder.nodes.filter((node) => node.repeats)
  const next = stepped(folder.nodes, name)
  if (next.length === 0 && nodes.length === folder.nodes.length) return folder
  return settle([...nodes, ...next], folder.below)
}

/** Adds what `**` reaches without a step, and what holds for everything below. */
function settle(nodes: readonly Node[], below: readonly number[]): Folder {
  const all = new Set(nodes)
  // A set is iterated with what is added meanwhile.
  for (const node of all) if (node.gap !== null) all.add(node.gap)
  const more = new Set(below)
  for (const node of all) for (const index of node.below) more.add(index)
  return { nodes: [...all], below: more.size === below.length ? below : [...more] }
}

function stepped(nodes: readonly Node[], name: string): readonly Node[] {
  let found: Node[] | null = null
  for (const node of nodes) {
    const literal = node.literals.get(name)
    if (literal !== undefined) (found ??= []).push(literal)
    if (node.wild.size > 0)
      found = steppedWild((node.index ??= indexEdges([...node.wild.values()])), name, found)
  }
  return found ?? []
}

function steppedWild(index: EdgeIndex, name: string, found: Node[] | null): Node[] | null {
  for (const { length, edges } of index.suffixes) {
    if (name.length < length) continue
    for (const { segment, node } of edges.get(name.slice(name.length - length)) ?? [])
      if (segment.matches(name)) (found ??= []).push(node)
  }
  for (const { length, edges } of index.prefixes) {
    if (name.length < length) continue
    for (const { segment, node } of edges.get(name.slice(0, length)) ?? [])
      if (segment.matches(name)) (found ??= []).push(node)
  }
  if (index.rest.length > 0) {
    const mask = characterMask(name)
    for (const { segment, node } of index.rest)
      if ((segment.mask & mask) === segment.mask && segment.matches(name)) (found ??= []).push(node)
  }
  return found
}

function indexEdges(edges: readonly Edge[]): EdgeIndex {
  const suffixed = edges.filter(
    ({ segment }) => segment.suffix !== '' && segment.suffix.length >= segment.prefix.length,
  )
  const prefixed = edges.filter(({ segment }) => segment.prefix.length > segment.suffix.length)
  return {
    suffixes: buckets(suffixed, ({ segment }) => segment.suffix.slice(-INDEXED_CHARACTERS)),
    prefixes: buckets(prefixed, ({ segment }) => segment.prefix.slice(0, INDEXED_CHARACTERS)),
    rest: edges.filter(({ segment }) => segment.prefix === '' && segment.suffix === ''),
  }
}

function buckets(edges: readonly Edge[], keyOf: (edge: Edge) => string): readonly Bucket[] {
  const byLength = Map.groupBy(edges, (edge) => keyOf(edge).length)
  return [...byLength].map(([length, group]) => ({ length, edges: Map.groupBy(group, keyOf) }))
}
