import type { ContainerLine } from '../containers.ts'
import { type Html, html } from '../html.ts'
import type { Overview } from '../routes/overview.ts'
import type { Reader } from '../routes/route.ts'
import { alertItem } from './alerts.ts'
import { ago, badge, hostile, number, plural, severityBadge } from './parts.ts'

export function overviewPage(data: Overview, { now }: Reader): Html {
  const open = Object.values(data.open).reduce((sum, count) => sum + count, 0)
  const unexpected = data.containers.reduce((sum, container) => sum + container.unexpected, 0)
  const { selfTest } = data.sensor
  return html`<h1>Overview</h1>
    <div class="grid" data-part="facts">
      <div class="card">
        <span class="fact">${open === 0 ? 'No open alerts' : plural(open, 'open alert')}</span>
        ${
          open === 0
            ? html`<span class="quiet">Nothing waits for you.</span>`
            : html`<a href="/alerts">Read and acknowledge</a>`
        }
      </div>
      <div class="card">
        <span class="fact">${plural(data.containers.length, 'container')}</span>
        <span class="quiet">${plural(unexpected, 'unexpected change')} at the last sweep</span>
      </div>
      <div class="card">
        <span class="fact">Sweep ${ago(data.sensor.lastSweepAt, now)}</span>
        <span class="quiet">the whole of every layer directory</span>
      </div>
      <div class="card">
        <span class="fact"
          >Self-test ${selfTest === null ? 'to come' : selfTest.ok ? 'passed' : 'failed'}</span
        >
        <span class="quiet">${selfTest === null ? 'the sensor has just begun' : ago(selfTest.at, now)}</span>
      </div>
    </div>
    ${
      data.alerts.length === 0
        ? html`<div data-part="latest"></div>`
        : html`<section data-part="latest">
            <h2>Latest open alerts</h2>
            <ul class="plain alerts card">
              ${data.alerts.map((alert) => alertItem(alert, now))}
            </ul>
          </section>`
    }
    <h2 id="containers">Containers</h2>
    <div class="card" data-part="containers">${containerTable(data.containers, now)}</div>`
}

function containerTable(containers: readonly ContainerLine[], now: number): Html {
  if (containers.length === 0) return html`<p class="quiet">The sensor knows of none yet.</p>`
  return html`<table class="cards words">
    <thead>
      <tr>
        <th scope="col">Container</th>
        <th scope="col">State</th>
        <th scope="col">Open alerts</th>
        <th scope="col" class="number">Unexpected</th>
        <th scope="col" class="number">Expected</th>
        <th scope="col">New programs</th>
        <th scope="col">Last sweep</th>
      </tr>
    </thead>
    <tbody>
      ${containers.map((container) => containerRow(container, now))}
    </tbody>
  </table>`
}

function containerRow(container: ContainerLine, now: number): Html {
  const { name, image, state, worstAlert, openAlerts, unexpected, expected, exec, missing } = container
  return html`<tr>
    <th scope="row">
      <a href="/containers/${encodeURIComponent(name)}">${hostile(name)}</a>
      <div class="quiet mono">${hostile(image)}</div>
    </th>
    <td data-label="State">
      ${hostile(state)} ${missing.length === 0 ? null : badge('bad', `${missing.length} missing`)}
      ${container.pausedUntil === null ? null : badge('plain', 'maintenance')}
    </td>
    <td data-label="Open alerts">
      ${
        worstAlert === null
          ? badge('good', 'none')
          : html`${severityBadge(worstAlert)}
              <a href="/alerts?container=${encodeURIComponent(name)}">${plural(openAlerts, 'alert')}</a>`
      }
    </td>
    <td data-label="Unexpected" class="number">${number(unexpected)}</td>
    <td data-label="Expected" class="number">${number(expected)}</td>
    <td data-label="New programs">${exec === 'deny' ? 'denied' : 'run, with an alert'}</td>
    <td data-label="Last sweep">${ago(container.lastSweepAt, now)}</td>
  </tr>`
}
