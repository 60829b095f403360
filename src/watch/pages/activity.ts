import type { Activity, ContainerActivity } from '../../alerts/activity.ts'
import { printable } from '../../lib/printable.ts'
import { type Html, html } from '../html.ts'
import type { ActivityAnswer } from '../routes/activity.ts'
import { hostile, number, plural } from './parts.ts'

const SPANS = [
  [24, '24 hours'],
  [168, '7 days'],
  [720, '30 days'],
] as const
const HEIGHT = 40

export function activityPage(data: ActivityAnswer): Html {
  return html`<h1>Activity</h1>
    <p>
      ${SPANS.map(
        ([hours, text]) =>
          html`<a href="/activity?hours=${hours}" ${data.hours === hours ? html`aria-current="true"` : null}
            >${text}</a
          > `,
      )}
    </p>
    <div data-part="plots">
      ${data.containers.length === 0 ? html`<p class="card">Nothing was found in this time.</p>` : null}
      ${data.containers.map(
        (container) =>
          html`<section class="card">
            <h2>
              ${
                container.name === ''
                  ? 'Host'
                  : html`<a href="/containers/${encodeURIComponent(container.name)}"
                      >${hostile(container.name)}</a
                    >`
              }
              <span class="quiet">${plural(container.total, 'observation')}</span>
            </h2>
            ${plot(data, container)}
          </section>`,
      )}
    </div>`
}

/** Bars over time; the same as a table for who cannot see them. */
export function plot({ buckets, bucketMs, from }: Activity, { name, found, total }: ContainerActivity): Html {
  if (found.length === 0) return html`<p class="quiet">Nothing was found in this time.</p>`
  const most = Math.max(...found.map(({ count }) => count))
  const start = Date.parse(from)
  const height = `at most ${number(most)} in ${plural(Math.round(bucketMs / 60_000), 'minute')}`
  const label = `${plural(total, 'observation')} of ${name === '' ? 'the host' : printable(name)}, ${height}`
  return html`<svg
      class="plot"
      viewBox="0 0 ${buckets * 10} ${HEIGHT}"
      preserveAspectRatio="none"
      role="img"
      aria-label="${label}"
    >
      ${found.map(({ bucket, count, worst }) => {
        // A root: one finding beside a burst of a thousand is still to be seen.
        const tall = Math.max(3, Math.round(HEIGHT * Math.sqrt(count / most)))
        return html`<rect
          class="${worst}"
          x="${bucket * 10 + 1}"
          y="${HEIGHT - tall}"
          width="8"
          height="${tall}"
        />`
      })}
    </svg>
    <div class="ends">
      <span>${from.slice(0, 16).replace('T', ' ')}</span><span>${height}</span><span>now</span>
    </div>
    <details id="plot ${name}">
      <summary>As a table</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col" class="number">Observations</th>
            <th scope="col">Worst</th>
          </tr>
        </thead>
        <tbody>
          ${found.map(
            ({ bucket, count, worst }) =>
              html`<tr>
                <td>${new Date(start + bucket * bucketMs).toISOString().slice(0, 16).replace('T', ' ')}</td>
                <td class="number">${count}</td>
                <td>${worst}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </details>`
}
