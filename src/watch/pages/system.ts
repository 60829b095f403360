import { type Html, html } from '../html.ts'
import type { Reader } from '../routes/route.ts'
import type { System } from '../routes/system.ts'
import { ago, badge, bytes, clock, form, hostile, number, plural } from './parts.ts'

export function systemPage(data: System, reader: Reader): Html {
  return html`<h1>System</h1>
    <div data-part="system">
      ${problems(data)} ${sensor(data, reader)} ${channels(data, reader)} ${pauses(data, reader)}
      ${watch(data, reader)} ${journal(data)}
    </div>`
}

function problems({ problems: list }: System): Html | null {
  if (list.length === 0) return null
  return html`<ul class="card">
    ${list.map(({ text }) => html`<li class="error">${text}</li>`)}
  </ul>`
}

function sensor({ sensor: { silentSince, problem, status } }: System, reader: Reader): Html {
  if (silentSince !== null || status === null) {
    const why =
      silentSince === null
        ? 'It has not told its state yet.'
        : `It is silent since ${silentSince}${problem === null ? '' : `: ${problem}`}.`
    return html`<h2>Sensor</h2>
      <p class="error">${why}</p>`
  }
  const { spool, evidence, counters, selfTest, lastSweep, parts } = status
  return html`<h2>Sensor</h2>
    <div class="grid">
      <div class="card">
        <span class="fact">${selfTest === null ? 'To come' : selfTest.ok ? 'Passed' : 'Failed'}</span>
        self-test, ${ago(selfTest?.at ?? null, reader.now)}
      </div>
      <div class="card">
        <span class="fact">${ago(lastSweep?.at ?? null, reader.now)}</span> last
        sweep${lastSweep === null ? '' : `, in ${number(lastSweep.durationMs)} ms`}
      </div>
      <div class="card">
        <span class="fact">${number(spool.next - 1 - spool.acked)}</span> findings on their way;
        ${bytes(spool.sizeBytes)} of ${bytes(spool.quotaBytes)} spool
      </div>
      <div class="card">
        <span class="fact">${bytes(evidence.sizeBytes)}</span> evidence in ${plural(evidence.files, 'file')},
        of ${bytes(evidence.quotaBytes)}
      </div>
    </div>
    <div class="card scroll">
      <table>
        <caption>
          What it depends on
        </caption>
        <thead>
          <tr>
            <th scope="col">Part</th>
            <th scope="col">State</th>
            <th scope="col">What that means</th>
          </tr>
        </thead>
        <tbody>
          ${parts.map(
            ({ name, state, detail }) =>
              html`<tr>
                <th scope="row">${hostile(name)}</th>
                <td>${badge(state === 'ok' ? 'good' : state === 'lost' ? 'bad' : 'plain', state)}</td>
                <td>${hostile(detail)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    <p class="quiet">
      Paddock ${status.version} on ${status.host}, process ${status.pid}, started
      ${ago(status.startedAt, reader.now)}, ${bytes(status.memoryBytes)} of memory.
      ${Object.entries(counters)
        .map(([name, count]) => `${number(count)} ${words(name)}`)
        .join(', ')}
    </p>
    ${form(reader, '/sweep', html`<button class="second">Sweep now</button>`)}`
}

/** "slowVerdicts": "slow verdicts". */
function words(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}

function channels({ channels: list }: System, reader: Reader): Html {
  if (list.length === 0) {
    return html`<h2>Channels</h2>
      <p>Nobody is told: there is no channel in <code>watch.yaml</code>. Alerts are only here.</p>`
  }
  return html`<h2>Channels</h2>
    <div class="card">
      <table class="cards">
        <thead>
          <tr>
            <th scope="col">Channel</th>
            <th scope="col">State</th>
            <th scope="col">Told of</th>
            <th scope="col">Last delivery</th>
            <th scope="col">Waiting</th>
            <th scope="col">Test</th>
          </tr>
        </thead>
        <tbody>
          ${list.map(
            (channel) =>
              html`<tr>
                <th scope="row">${channel.name} <span class="quiet">${channel.type}</span></th>
                <td data-label="State">
                  ${channel.failures === 0 ? badge('good', 'works') : badge('bad', 'fails')}
                  ${channel.lastError}
                </td>
                <td data-label="Told of">${channel.severity} and worse</td>
                <td data-label="Last delivery">
                  ${ago(channel.lastOkAt === null ? null : new Date(channel.lastOkAt).toISOString(), reader.now)}
                </td>
                <td data-label="Waiting">
                  ${number(channel.waiting)}${channel.dropped === 0 ? '' : `, ${number(channel.dropped)} given up`}
                </td>
                <td>
                  ${form(reader, `/channels/${encodeURIComponent(channel.name)}/test`, html`<button class="second" aria-label="Send a test by ${channel.name}">Send a test</button>`)}
                </td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`
}

function pauses({ pauses: list }: System, reader: Reader): Html | null {
  if (list.length === 0) return null
  return html`<h2>Maintenance</h2>
    <div class="card">
      <table class="cards">
        <thead>
          <tr>
            <th scope="col">Container</th>
            <th scope="col">Until</th>
            <th scope="col">Reason</th>
            <th scope="col">Alerts in it</th>
            <th scope="col">End</th>
          </tr>
        </thead>
        <tbody>
          ${list.map(
            (pause) =>
              html`<tr>
                <th scope="row">
                  <a href="/containers/${encodeURIComponent(pause.container)}">${hostile(pause.container)}</a>
                </th>
                <td data-label="Until">
                  ${clock(pause.until)} ${pause.active ? badge('plain', 'under way') : null}
                </td>
                <td data-label="Reason">
                  ${hostile(pause.reason)} <span class="quiet">${hostile(pause.who)}</span>
                </td>
                <td data-label="Alerts in it">${number(pause.alerts)}</td>
                <td>
                  ${pause.active ? form(reader, `/pauses/${pause.id}/end`, html`<button class="second">End it</button>`) : null}
                </td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`
}

function watch(
  { watch: { version, startedAt, memoryBytes, databaseBytes, pagesOpen } }: System,
  reader: Reader,
): Html {
  return html`<h2>Watch</h2>
    <p>
      Paddock ${version}, started ${ago(startedAt, reader.now)}, ${bytes(memoryBytes)} of memory,
      ${bytes(databaseBytes)} of alerts and findings, ${plural(pagesOpen, 'page')} open.
    </p>`
}

function journal({ journal: { head, entries } }: System): Html {
  return html`<h2>Journal</h2>
    <p class="quiet">
      Entry ${head.seq}, <span class="mono">${head.hash}</span>. Kept elsewhere, it lets
      <code>paddock alerts verify</code> show that nothing before it was changed or cut off.
    </p>
    <div class="card scroll">
      <table>
        <thead>
          <tr>
            <th scope="col" class="number">Entry</th>
            <th scope="col">When</th>
            <th scope="col">What</th>
            <th scope="col">Who</th>
            <th scope="col">About</th>
          </tr>
        </thead>
        <tbody>
          ${entries.map(
            ({ seq, at, kind, who, body }) =>
              html`<tr>
                <td class="number">${seq}</td>
                <td>${clock(new Date(at).toISOString())}</td>
                <td>${kind}</td>
                <td>${hostile(who)}</td>
                <td class="mono">${hostile(JSON.stringify(body))}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`
}
