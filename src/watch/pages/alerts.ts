import type { Alert } from '../../alerts/alert.ts'
import { severities } from '../../protocol/findings.ts'
import { type Html, html } from '../html.ts'
import type { Alerts } from '../routes/alerts.ts'
import type { Reader } from '../routes/route.ts'
import { ago, badge, form, hostile, plural, safeText, severityBadge } from './parts.ts'

export function alertsPage(data: Alerts, reader: Reader): Html {
  const { query } = reader
  const open = (query['state'] || 'open') === 'open'
  const list = html`<div class="card" data-part="list">
    ${
      data.alerts.length === 0
        ? html`<p>
            ${isFiltered(query) ? 'No alert is like that.' : 'No open alerts. Nothing waits for you.'}
          </p>`
        : html`<ul class="plain alerts">
            ${data.alerts.map((alert) => alertItem(alert, reader.now, open && reader.canAct))}
          </ul>`
    }
    ${
      data.nextBefore === null
        ? null
        : html`<p><a href="?${withQuery(query, 'before', data.nextBefore)}" rel="next">Older ones</a></p>`
    }
  </div>`
  return html`<h1>Alerts</h1>
    ${filterForm(query)} ${open && reader.canAct ? acknowledgeForm(reader, list) : list}`
}

/** One alert in a list. */
export function alertItem(alert: Alert, now: number, selectable = false): Html {
  const { id, severity, summary, container, count, lastAt, causePresent, maintenance, previous } = alert
  return html`<li class="${selectable ? 'selectable' : ''}">
    ${selectable && html`<input type="checkbox" name="id" value="${id}" aria-label="Select alert ${id}" />`}
    <div>
      <a class="what" href="/alerts/${id}">${safeText(summary)}</a>
      <div class="about">
        ${severityBadge(severity)} ${container === null ? html`<span>host</span>` : hostile(container)}
        <span>${ago(lastAt, now)}</span>
        ${count === 1 ? null : html`<span>${plural(count, 'time')}</span>`} ${causeBadge(causePresent)}
        ${previous === null ? null : badge('bad', 'came back')}
        ${maintenance === null ? null : badge('plain', 'maintenance')}
        ${alert.acknowledged === null ? null : html`<span>acknowledged by ${hostile(alert.acknowledged.by)}</span>`}
        <span>alert ${id}</span>
      </div>
    </div>
  </li>`
}

export function causeBadge(present: boolean | null): Html | null {
  if (present === null) return null
  return present ? badge('bad', 'still there') : badge('plain', 'gone meanwhile')
}

function filterForm(query: Reader['query']): Html {
  const state = query['state'] || 'open'
  const choice = (value: string, text: string, chosen: boolean) =>
    html`<option value="${value}" ${chosen ? html`selected` : null}>${text}</option>`
  return html`<form class="filter" method="get" action="/alerts" role="search">
    <label
      >State
      <select name="state">
        ${choice('open', 'Open', state === 'open')}
        ${choice('acknowledged', 'Acknowledged', state === 'acknowledged')}
        ${choice('all', 'All', state === 'all')}
      </select>
    </label>
    <label
      >Severity
      <select name="severity">
        ${choice('', 'Any', !query['severity'])}
        ${severities.map((severity) => choice(severity, `${severity} and worse`, query['severity'] === severity))}
      </select>
    </label>
    <label>Container <input name="container" value="${query['container'] ?? ''}" autocomplete="off" /></label>
    <label
      >Search <input type="search" name="search" value="${query['search'] ?? ''}" placeholder="/tmp/x"
    /></label>
    <button class="second">Filter</button>
  </form>`
}

function acknowledgeForm(reader: Reader, list: Html): Html | null {
  return form(
    reader,
    '/alerts/acknowledge',
    html`${list}
      <div class="card">
        <h2>Acknowledge the selected ones</h2>
        <p class="quiet">They leave this list and stay in the record, with your reason.</p>
        <label class="check"><input type="checkbox" id="all" /> Select all that are shown</label>
        <div class="row">
          <label for="reason">Reason</label>
          <textarea id="reason" name="reason" required maxlength="1000"></textarea>
        </div>
        <p><button>Acknowledge</button></p>
      </div>`,
  )
}

function isFiltered(query: Reader['query']): boolean {
  return ['state', 'severity', 'container', 'search', 'before'].some((key) => query[key])
}

function withQuery(query: Reader['query'], key: string, value: string): string {
  const all = new URLSearchParams()
  for (const [name, item] of Object.entries({ ...query, [key]: value })) if (item) all.set(name, item)
  return all.toString()
}
