import { printable } from '../../lib/printable.ts'
import type { Severity } from '../../protocol/findings.ts'
import { type Html, html } from '../html.ts'

/** A name or text that a container chose: controls, and marks that reorder or hide, are shown as what they are. */
export function hostile(text: string): Html {
  return html`<bdi>${printable(text)}</bdi>`
}

/** A summary: text that is made safe for a terminal already, so that its escapes are left as they stand. */
export function safeText(text: string): Html {
  const parts = printable(text)
    .replaceAll('\\\\', '\\')
    .split(/`(docker exec|podman exec)`/)
  return html`<bdi>${parts.map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))}</bdi>`
}

/** By word and shape, not by colour alone. */
export function severityBadge(severity: Severity): Html {
  return html`<span class="badge ${severity}">${severity}</span>`
}

export function badge(kind: 'good' | 'bad' | 'plain', text: string): Html {
  return html`<span class="badge ${kind}">${text}</span>`
}

/** "5 min ago", with the time itself for who points at it; live.js keeps it fresh. */
export function ago(at: string | null, now: number): Html {
  if (at === null) return html`<span class="quiet">never</span>`
  return html`<time datetime="${at}" title="${at}">${agoText(now - Date.parse(at))}</time>`
}

function agoText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s ago`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`
  return `${Math.floor(seconds / 86_400)} days ago`
}

/** The day and the time, UTC, to the second. */
export function clock(at: string): Html {
  return html`<time datetime="${at}" title="${at}">${at.slice(0, 10)} ${at.slice(11, 19)}</time>`
}

export function bytes(size: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = size
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit] ?? ''}`
}

export function number(value: number): string {
  return value.toLocaleString('en-GB')
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`
}

/** What a reader of the page may press, in a form that is protected; nothing where they may not act. */
export function form(
  reader: { readonly canAct: boolean; readonly csrf: string | null },
  action: string,
  fields: Html,
  classes = '',
): Html | null {
  if (!reader.canAct) return null
  return html`<form method="post" action="${action}" class="${classes}">
    ${fields}${reader.csrf === null ? null : html`<input type="hidden" name="csrf" value="${reader.csrf}" />`}
  </form>`
}
