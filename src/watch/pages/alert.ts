import type { AlertEvidence, AlertStory, ProcessNode, TimelineItem } from '../../alerts/alert.ts'
import { type Html, html } from '../html.ts'
import type { AlertAnswer } from '../routes/alert.ts'
import type { Reader } from '../routes/route.ts'
import { causeBadge } from './alerts.ts'
import { badge, bytes, clock, form, hostile, number, plural, safeText, severityBadge } from './parts.ts'

export function alertPage({ alert }: AlertAnswer, reader: Reader): Html {
  return html`<h1>${safeText(alert.summary)}</h1>
    <div data-part="about">${about(alert)}</div>
    ${
      alert.state === 'open' && reader.canAct
        ? html`<p><a class="button" href="#acknowledge">Acknowledge</a></p>`
        : null
    }
    <div data-part="story">
      ${timeline(alert)} ${processes(alert.processes)} ${evidence(alert)} ${policy(alert.policyLines)}
    </div>
    ${alert.state === 'open' ? acknowledgeForm(alert, reader) : null}`
}

function about(alert: AlertStory): Html {
  const { container, acknowledged, maintenance, previous, suppressed } = alert
  return html`<p>
      ${severityBadge(alert.severity)}
      ${alert.state === 'open' ? badge('bad', 'open') : badge('plain', 'acknowledged')}
      ${causeBadge(alert.causePresent)}
      ${container === null ? html`host` : html`<a href="/containers/${encodeURIComponent(container)}">${hostile(container)}</a>`}
      ${alert.image === null ? null : html`<span class="quiet mono">${hostile(alert.image)}</span>`}
    </p>
    <p>
      Alert ${alert.id}. First ${clock(alert.firstAt)}, last ${clock(alert.lastAt)}:
      ${plural(alert.count, 'observation')} in ${plural(alert.findings, 'finding')}.
      ${suppressed === 0 ? null : `${number(suppressed)} of them would have been alerts of their own, beyond the limit an hour.`}
    </p>
    ${previous === null ? null : html`<p>It came back: <a href="/alerts/${previous}">alert ${previous}</a> of the same was acknowledged.</p>`}
    ${alert.next.length === 0 ? null : html`<p>It came back later: ${alert.next.map((id) => html`<a href="/alerts/${id}">alert ${id}</a> `)}</p>`}
    ${maintenance === null ? null : html`<p>Found during maintenance: ${hostile(maintenance.reason)}. Nobody was told.</p>`}
    ${
      acknowledged === null
        ? null
        : html`<div class="card">
            <p>Acknowledged by <strong>${hostile(acknowledged.by)}</strong>, ${clock(acknowledged.at)}:</p>
            <p>${hostile(acknowledged.reason)}</p>
          </div>`
    }`
}

function acknowledgeForm({ id }: AlertStory, reader: Reader): Html | null {
  return form(
    reader,
    '/alerts/acknowledge',
    html`<h2 id="acknowledge">Acknowledge</h2>
      <p class="quiet">It leaves the list of open alerts and stays in the record, with your reason.</p>
      <input type="hidden" name="id" value="${id}" />
      <label for="reason">Why is this all right?</label>
      <textarea id="reason" name="reason" required maxlength="1000"></textarea>
      <p><button>Acknowledge</button></p>`,
    'card',
  )
}

function timeline({ timeline: items, omitted, id }: AlertStory): Html {
  const half = omitted === 0 ? items.length : Math.ceil(items.length / 2)
  return html`<h2>What happened</h2>
    <ol class="timeline">
      ${items.slice(0, half).map((item) => timelineItem(item, id))}
      ${omitted === 0 ? null : html`<li class="quiet">${plural(omitted, 'finding')} in between are not shown here</li>`}
      ${items.slice(half).map((item) => timelineItem(item, id))}
    </ol>`
}

function timelineItem(item: TimelineItem, alert: string): Html {
  const { change, verdict } = item
  return html`<li class="${item.severity}">
    <span class="quiet">${clock(item.at)}</span> ${severityBadge(item.severity)}
    ${verdict === null ? null : badge(verdict === 'denied' ? 'good' : 'bad', verdict === 'denied' ? 'denied' : 'ran')}
    ${safeText(item.summary)}
    ${item.count === 1 ? null : html`<span class="quiet">(${number(item.count)} times)</span>`}
    ${change === null || change.rows.length === 0 ? null : differences(change)}
    ${item.sha256s.map((sha256) => html`<div><a href="/alerts/${alert}/evidence/${sha256}" download>Download what was captured</a></div>`)}
  </li>`
}

function differences(change: NonNullable<TimelineItem['change']>): Html {
  // Of what is new or gone there is one side only: a line says it.
  const oneSided = change.rows.every(({ was }) => was === '–') || change.rows.every(({ now }) => now === '–')
  if (oneSided) {
    const facts = change.rows.map(({ what, was, now }) => `${what} ${now === '–' ? was : now}`)
    return html`<div class="quiet mono">${change.type}, ${facts.join(', ')}</div>`
  }
  return html`<div class="scroll">
    <table class="diff">
      <caption>
        ${change.type}, ${change.kind}: against the image
      </caption>
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">Image</th>
          <th scope="col">Container</th>
        </tr>
      </thead>
      <tbody>
        ${change.rows.map(
          ({ what, was, now }) =>
            html`<tr>
              <th scope="row">${what}</th>
              <td class="mono">${was}</td>
              <td class="mono">${now}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

function processes(roots: readonly ProcessNode[]): Html | null {
  if (roots.length === 0) return null
  return html`<h2>Who did it</h2>
    <div class="card">
      <ul class="tree">
        ${roots.map(processItem)}
      </ul>
    </div>`
}

function processItem(process: ProcessNode): Html {
  const { argv, uid, uidInside } = process
  const line = argv === null || argv.length === 0 ? process.command : argv.join(' ')
  return html`<li>
    <code>${hostile(line)}</code>
    <span class="quiet">
      process
      ${process.pid}${uidInside === null ? '' : `, user ${uidInside} inside`}${
        uid === null || uid === uidInside ? '' : `, ${uid} on the host`
      }${argv === null ? ', gone before its arguments were read' : ''}
    </span>
    ${process.exe === null ? null : html`<span class="quiet mono">${hostile(process.exe.path)}</span>`}
    ${
      process.children.length === 0
        ? null
        : html`<ul>
            ${process.children.map(processItem)}
          </ul>`
    }
  </li>`
}

function evidence({ evidence: files, id }: AlertStory): Html | null {
  if (files.length === 0) return null
  return html`<h2>Evidence</h2>
    <p class="quiet">
      The bytes as they were captured. They are the intruder's: do not run or open them on a machine that
      matters.
    </p>
    <div class="card scroll">
      <table class="cards">
        <thead>
          <tr>
            <th scope="col">File</th>
            <th scope="col">SHA-256</th>
            <th scope="col" class="number">Size</th>
          </tr>
        </thead>
        <tbody>
          ${files.map((file) => evidenceRow(file, id))}
        </tbody>
      </table>
    </div>`
}

function evidenceRow({ path, sha256, size, truncated }: AlertEvidence, alert: string): Html {
  return html`<tr>
    <th scope="row"><a href="/alerts/${alert}/evidence/${sha256}" download>${hostile(path)}</a></th>
    <td class="mono" data-label="SHA-256">${sha256}</td>
    <td class="number" data-label="Size">${bytes(size)}${truncated ? ', the first 32 MiB' : ''}</td>
  </tr>`
}

function policy(lines: readonly string[]): Html | null {
  if (lines.length === 0) return null
  return html`<h2>Policy that would have expected this</h2>
    <p class="quiet">Read it before you take it over: whoever does the same thing next is expected too.</p>
    <pre tabindex="0" aria-label="Policy">${lines.join('\n')}</pre>`
}
