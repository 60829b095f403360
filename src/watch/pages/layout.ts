import type { Health, Problem } from '../health.ts'
import { type Html, html } from '../html.ts'
import type { Reader } from '../routes/route.ts'

const NAVIGATION = [
  ['/', 'Overview'],
  ['/alerts', 'Alerts'],
  ['/activity', 'Activity'],
  ['/system', 'System'],
] as const

export interface Frame {
  readonly title: string
  readonly path: string
  readonly host: string
  /** Null: nobody is logged in, and nothing is told. */
  readonly health: Health | null
  readonly reader: Reader | null
  readonly body: Html
}

/** The whole page. Parts with `data-part` are what live.js exchanges when something changed. */
export function layout({ title, path, host, health, reader, body }: Frame): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>${title} · Paddock</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <link rel="icon" href="/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/style.css" />
        ${reader === null ? null : html`<script src="/live.js" defer></script>`}
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header>
          <div class="bar">
            <a class="brand" href="/">Paddock</a>
            <span class="host">${host}</span>
            ${reader === null ? null : navigation(path)}
            ${typeof reader?.csrf === 'string' ? logout(reader.csrf) : null}
          </div>
          ${health === null ? null : statusStrip(health)}
        </header>
        <main id="main" tabindex="-1">${body}</main>
        <footer>
          <span id="live" class="quiet" hidden></span>
          <span class="quiet"
            >Times are UTC. What you see here is also JSON: <a href="/api/v1/openapi.json">API</a></span
          >
        </footer>
      </body>
    </html>`.text
}

function navigation(path: string): Html {
  return html`<nav aria-label="Pages">
    ${NAVIGATION.map(([href, name]) => {
      const here = href === '/' ? path === '/' : path === href || path.startsWith(`${href}/`)
      return html`<a href="${href}" ${here ? html`aria-current="page"` : null}>${name}</a>`
    })}
  </nav>`
}

function logout(csrf: string): Html {
  return html`<form method="post" action="/logout" class="logout">
    <input type="hidden" name="csrf" value="${csrf}" /><button class="link">Log out</button>
  </form>`
}

/** What it comes down to, worst first: something was seen, something may go unseen, somebody is not told. */
function verdict(problems: readonly Problem[]): {
  readonly kind: 'good' | 'bad' | 'blind'
  readonly text: string
} {
  const has = (kind: Problem['kind']) => problems.some((problem) => problem.kind === kind)
  if (has('alerts')) {
    return {
      kind: 'bad',
      text: has('sensor') ? 'Something moved, and not everything is seen' : 'Something moved',
    }
  }
  if (has('sensor')) return { kind: 'blind', text: 'Not everything is seen' }
  return has('watch')
    ? { kind: 'blind', text: 'Not everything is told' }
    : { kind: 'good', text: 'All is well' }
}

function statusStrip({ ok, problems, line }: Health): Html {
  const { kind, text } = verdict(problems)
  return html`<div class="strip ${kind}" role="status" data-part="status">
    <strong>${text}</strong>
    <span>${ok ? 'No open alerts; the sensor sees, and has tested itself.' : line}</span>
  </div>`
}
