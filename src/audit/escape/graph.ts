/** A place on the way to root. */
export interface Node {
  readonly id: string
  readonly kind:
    | 'network'
    | 'anyone'
    | 'user'
    | 'group'
    | 'sudo'
    | 'container'
    | 'power'
    | 'socket'
    | 'listener'
    | 'file'
    | 'root'
  readonly label: string
}

/** One step: who stands at `from` can get to `to`. */
export interface Edge {
  readonly from: string
  readonly to: string
  /** The step as a clause: "is in group docker", "mounts /var/run". */
  readonly how: string
  /** What would take the step away: one command or one sentence. */
  readonly remedy: string
  /** How grave a way through this step is; the gravest step of a way does not count, its first one does. */
  readonly weight?: 'info' | 'medium' | 'high' | 'critical'
}

export interface Graph {
  readonly nodes: ReadonlyMap<string, Node>
  readonly edges: readonly Edge[]
}

export const ROOT: Node = { id: 'root', kind: 'root', label: 'root' }

/** A way from somebody to root. */
export interface Chain {
  readonly nodes: readonly Node[]
  readonly edges: readonly Edge[]
}

export interface GraphBuilder {
  node(kind: Node['kind'], name: string, label?: string): string
  edge(edge: Edge): void
  build(): Graph
}

export function graphBuilder(): GraphBuilder {
  const nodes = new Map<string, Node>([[ROOT.id, ROOT]])
  const edges: Edge[] = []
  const known = new Set<string>()
  return {
    node(kind, name, label = name) {
      const id = kind === 'root' ? ROOT.id : `${kind}:${name}`
      if (!nodes.has(id)) nodes.set(id, { id, kind, label })
      return id
    },
    edge(edge) {
      const key = JSON.stringify([edge.from, edge.to, edge.how])
      if (known.has(key) || edge.from === edge.to) return
      known.add(key)
      edges.push(edge)
    },
    build: () => ({ nodes, edges }),
  }
}

const STARTS: ReadonlySet<Node['kind']> = new Set(['network', 'anyone', 'user', 'container'])

/**
 * The ways to root: from each start, for each first step of its own, the shortest continuation. One step taken
 * away leaves the others open, so each is told.
 */
export function chains(graph: Graph): Chain[] {
  const toRoot = shortestToRoot(graph)
  const found = [...graph.nodes.values()]
    .filter(({ kind }) => STARTS.has(kind))
    .flatMap((start) =>
      graph.edges
        .filter(({ from }) => from === start.id)
        .flatMap((first) => continueFrom(graph, start, first, toRoot) ?? []),
    )
  return dropDetours(found)
}

// Breadth first from root backwards: for each node the next edge of a shortest way.
function shortestToRoot(graph: Graph): Map<string, Edge> {
  const incoming = new Map<string, Edge[]>()
  for (const edge of graph.edges) incoming.set(edge.to, [...(incoming.get(edge.to) ?? []), edge])
  const next = new Map<string, Edge>()
  for (let frontier = [ROOT.id]; frontier.length > 0;) {
    const further: string[] = []
    for (const id of frontier)
      for (const edge of incoming.get(id) ?? [])
        if (!next.has(edge.from) && edge.from !== ROOT.id) {
          next.set(edge.from, edge)
          further.push(edge.from)
        }
    frontier = further
  }
  return next
}

function continueFrom(
  graph: Graph,
  start: Node,
  first: Edge,
  toRoot: ReadonlyMap<string, Edge>,
): Chain[] | null {
  const edges = [first]
  const seen = new Set([start.id])
  for (let at = first.to; at !== ROOT.id;) {
    const edge = toRoot.get(at)
    // A way back through its own start is no way.
    if (edge === undefined || seen.has(at)) return null
    seen.add(at)
    edges.push(edge)
    at = edge.to
  }
  const nodes = [start, ...edges.map(({ to }) => graph.nodes.get(to) ?? ROOT)]
  return [{ nodes, edges }]
}

// A way that comes by a place to which its start has a step of its own says nothing new; nor does a second, longer one
// through the same next place.
function dropDetours(found: readonly Chain[]): Chain[] {
  const direct = Map.groupBy(found, ({ nodes }) => nodes[0]?.id)
  const isDetour = ({ nodes }: Chain): boolean => {
    const firsts = new Set((direct.get(nodes[0]?.id) ?? []).map((each) => each.nodes[1]?.id))
    return nodes.slice(2, -1).some(({ id }) => firsts.has(id))
  }
  const kept = new Map<string, Chain>()
  for (const chain of found) {
    if (isDetour(chain)) continue
    const key = `${chain.nodes[0]?.id ?? ''} ${chain.nodes[1]?.id ?? ''}`
    const known = kept.get(key)
    if (known === undefined || chain.edges.length < known.edges.length) kept.set(key, chain)
  }
  return [...kept.values()]
}
