import { chainSeverity } from '../escape/escape.ts'
import type { Chain, Node } from '../escape/graph.ts'
import { escapeHtml } from './escape-html.ts'

const WIDTH = 190
const HEIGHT = 34
const GAP_X = 56
const GAP_Y = 14
const MARGIN = 16
const LETTERS = 25
const MAX_CHAINS = 60

interface Placed extends Node {
  readonly x: number
  readonly y: number
}

/** The ways to root as one picture: who starts stands left, root right, each arrow one step. Empty when there are none. */
export function chainsSvg(all: readonly Chain[]): string {
  const chains = all.slice(0, MAX_CHAINS)
  if (chains.length === 0) return ''
  const placed = place(chains)
  const edges = uniqueEdges(chains)
  const width = Math.max(...[...placed.values()].map(({ x }) => x)) + WIDTH + MARGIN
  const height = Math.max(...[...placed.values()].map(({ y }) => y)) + HEIGHT + MARGIN
  const title = `${all.length} ways to root${all.length > chains.length ? `, the gravest ${chains.length} drawn` : ''}`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeHtml(title)}">`,
    `<title>${escapeHtml(title)}</title>`,
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>',
    ...edges.flatMap(({ from, to, how, severity }) => arrow(placed.get(from), placed.get(to), how, severity)),
    ...[...placed.values()].map(box),
    '</svg>',
  ].join('\n')
}

// Columns by the longest way that is still to go, so that every arrow points right; rows in the order of the chains.
function place(chains: readonly Chain[]): Map<string, Placed> {
  const distance = new Map<string, number>()
  for (const { nodes } of chains)
    for (const [index, { id }] of nodes.entries())
      distance.set(id, Math.max(distance.get(id) ?? 0, nodes.length - 1 - index))
  const furthest = Math.max(...distance.values())
  const rows = new Map<number, number>()
  const placed = new Map<string, Placed>()
  for (const node of chains.flatMap(({ nodes }) => nodes)) {
    if (placed.has(node.id)) continue
    const column = furthest - (distance.get(node.id) ?? 0)
    const row = rows.get(column) ?? 0
    rows.set(column, row + 1)
    placed.set(node.id, { ...node, x: MARGIN + column * (WIDTH + GAP_X), y: MARGIN + row * (HEIGHT + GAP_Y) })
  }
  // Shorter columns stand in the middle of the tallest.
  const tallest = Math.max(...rows.values())
  for (const [id, node] of placed) {
    const own = rows.get(Math.round((node.x - MARGIN) / (WIDTH + GAP_X))) ?? 0
    placed.set(id, { ...node, y: node.y + ((tallest - own) * (HEIGHT + GAP_Y)) / 2 })
  }
  return placed
}

function uniqueEdges(
  chains: readonly Chain[],
): { from: string; to: string; how: string; severity: string }[] {
  const found = new Map<string, { from: string; to: string; how: string; severity: string }>()
  for (const chain of chains)
    for (const { from, to, how } of chain.edges)
      if (!found.has(`${from} ${to}`))
        found.set(`${from} ${to}`, { from, to, how, severity: chainSeverity(chain) })
  return [...found.values()]
}

function arrow(from: Placed | undefined, to: Placed | undefined, how: string, severity: string): string[] {
  if (from === undefined || to === undefined) return []
  const [x1, y1, x2, y2] = [from.x + WIDTH, from.y + HEIGHT / 2, to.x - 2, to.y + HEIGHT / 2]
  const bend = Math.max(40, (x2 - x1) / 2)
  return [
    `<path class="edge ${severity}" d="M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}" marker-end="url(#tip)"><title>${escapeHtml(how)}</title></path>`,
  ]
}

function box({ kind, label, x, y }: Placed): string {
  const text = label.length > LETTERS ? `${label.slice(0, LETTERS - 1).toWellFormed()}…` : label
  return `<g class="node ${kind}"><title>${escapeHtml(label)}</title><rect x="${x}" y="${y}" width="${WIDTH}" height="${HEIGHT}" rx="6"/><text x="${x + WIDTH / 2}" y="${y + HEIGHT / 2 + 4}" text-anchor="middle">${escapeHtml(text)}</text></g>`
}
