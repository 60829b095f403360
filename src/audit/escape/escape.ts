import type { Subject } from '../check.ts'
import type { Facts } from '../facts.ts'
import type { Severity } from '../../protocol/findings.ts'
import { addContainerEdges } from './container-edges.ts'
import { type Chain, chains, graphBuilder } from './graph.ts'
import { addHostEdges } from './host-edges.ts'

/** Every way in which somebody on this host, or something in a container, becomes root through the engine. */
export function escapeChains(facts: Facts): Chain[] {
  const graph = graphBuilder()
  addHostEdges(graph, facts)
  addContainerEdges(graph, facts)
  return chains(graph.build())
}

/** "alice → group docker → /run/docker.sock → root". */
export function chainText(chain: Chain): string {
  return chain.nodes.map(({ label }) => label).join(' → ')
}

/** The steps as one sentence. */
export function chainStory(chain: Chain): string {
  const [first, ...rest] = chain.edges.map(({ how }) => how)
  return [`${chain.nodes[0]?.label ?? ''} ${first ?? ''}`, ...rest].join('; ')
}

export function chainSeverity(chain: Chain): Severity {
  return chain.edges[0]?.weight ?? 'high'
}

/** Whom the finding is about. */
export function chainSubject(chain: Chain): Subject {
  const start = chain.nodes[0]
  if (start?.kind === 'user') return { kind: 'user', name: start.label }
  if (start?.kind === 'container') return { kind: 'container', name: start.label.replace(/^container /, '') }
  return { kind: 'host', name: start?.label ?? 'host' }
}
