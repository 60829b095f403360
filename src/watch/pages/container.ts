import { html, type Html } from '../html.ts'
import type { ChangeItem, PolicyLine, ProcessItem } from '../../protocol/answers.ts'
import type { ContainerAnswer, Part } from '../routes/container.ts'
import type { Reader } from '../routes/route.ts'
import { plot } from './activity.ts'
import { alertItem } from './alerts.ts'
import { changeTree, type TreeNode } from './change-tree.ts'
import { ago, badge, form, hostile, number, plural, severityBadge } from './parts.ts'

export function containerPage(data: ContainerAnswer, reader: Reader): Html {
  const { name, container, alerts, activity } = data
  return html`<h1>${hostile(name)}</h1>
    <div data-part="facts">
      ${container === null ? html`<p>This container is gone. What is known of it stays here.</p>` : facts(data, reader)}
    </div>
    ${form(
      reader,
      '/pauses',
      html`<input type="hidden" name="container" value="${name}" />
        <label
          >Maintenance for
          <select name="for">
            <option value="15m">15 minutes</option>
            <option value="30m">30 minutes</option>
            <option value="2h">2 hours</option>
            <option value="8h">8 hours</option>
          </select></label
        >
        <label>Reason <input name="reason" required maxlength="1000" /></label>
        <button class="second">Record, but tell nobody</button>`,
      'row',
    )}
    <div data-part="alerts">
      <h2>Alerts</h2>
      ${
        alerts.length === 0
          ? html`<p class="quiet">There were none.</p>`
          : html`<ul class="plain alerts card">
              ${alerts.map((alert) => alertItem(alert, reader.now))}
            </ul>`
      }
    </div>
    <div data-part="more">
      <h2>Activity, last 24 hours</h2>
      <div class="card">${plot(activity, activity.containers[0] ?? { name, total: 0, found: [] })}</div>
      <h2>Layer directory</h2>
      ${layerDirectory(data.changes)}
      <h2>Processes</h2>
      ${processTable(data.processes)}
      <h2>Policy</h2>
      ${policyTable(data.policy)}
    </div>`
}

function facts({ container }: ContainerAnswer, reader: Reader): Html | null {
  if (container === null) return null
  const { image, engine, id, state, exec, missing, fromFirstInstruction, pausedUntil } = container
  return html`<p>
      <span class="mono">${hostile(image)}</span> <span class="quiet">${engine} ${id.slice(0, 12)}</span>
      ${badge('plain', state)}
      ${pausedUntil === null ? null : badge('plain', `maintenance until ${pausedUntil.slice(11, 16)}`)}
    </p>
    <div class="grid">
      <div class="card">
        <span class="fact">${number(container.unexpected)}</span> unexpected changes
        ${container.worst === null ? null : severityBadge(container.worst)}
      </div>
      <div class="card"><span class="fact">${number(container.expected)}</span> expected changes</div>
      <div class="card">
        <span class="fact">${exec === 'deny' ? 'Denied' : 'Alert'}</span> when a program that is not in the
        image runs
      </div>
      <div class="card">
        <span class="fact">${ago(container.lastSweepAt, reader.now)}</span> last sweep;
        ${fromFirstInstruction ? 'watched from its first instruction' : 'it ran before it was watched'}
      </div>
    </div>
    ${missing.length === 0 ? null : html`<p class="error">Required, and not running: ${missing.map((exe) => html`<code>${hostile(exe)}</code> `)}</p>`}`
}

function layerDirectory({ items, omitted, problem }: Part<ChangeItem>): Html {
  if (problem !== null) return html`<p class="error">${problem}</p>`
  if (items.length === 0) return html`<p class="quiet">Nothing differs from the image.</p>`
  return html`<div class="card">
    <ul class="tree">
      ${changeTree(items).map((node) => treeItem(node, ''))}
    </ul>
    ${omitted === 0 ? null : html`<p class="quiet">${plural(omitted, 'more change')} are not shown.</p>`}
  </div>`
}

function treeItem(node: TreeNode, folder: string): Html {
  const { change, children } = node
  const label = html`<span class="${node.unexpected > 0 ? '' : 'expected'}">${hostile(node.name)}</span> ${
      change === null
        ? null
        : html`<span class="quiet"
              >${change.kind}${change.type === 'file' ? '' : ` ${change.type}`}${
                change.now === null ? '' : `, ${change.now.mode}, ${change.now.uid}:${change.now.gid}`
              }</span
            >
            ${change.severity === null ? html`<span class="quiet">expected by ${change.rule ?? 'policy'}</span>` : severityBadge(change.severity)}`
    }`
  if (children.length === 0) return html`<li>${label}</li>`
  const path = `${folder}/${node.name}`
  return html`<li>
    <details id="tree ${path}" ${node.unexpected > 0 ? html`open` : null}>
      <summary>${label}</summary>
      <ul>
        ${children.map((child) => treeItem(child, path))}
      </ul>
    </details>
  </li>`
}

function processTable({ items, omitted, problem }: Part<ProcessItem>): Html {
  if (problem !== null) return html`<p class="error">${problem}</p>`
  if (items.length === 0) return html`<p class="quiet">None runs.</p>`
  return html`<div class="card scroll">
    <table>
      <thead>
        <tr>
          <th scope="col" class="number">Process</th>
          <th scope="col">User</th>
          <th scope="col">Program</th>
          <th scope="col">Expected</th>
        </tr>
      </thead>
      <tbody>
        ${items.map(
          ({ process, user, expected }) =>
            html`<tr>
              <td class="number">${process.pid}</td>
              <td>${hostile(user)}</td>
              <td class="mono">
                ${hostile(process.argv?.join(' ') || process.exe?.path || process.command)}
              </td>
              <td>
                ${expected === null ? html`<span class="quiet">not declared</span>` : expected ? badge('good', 'yes') : badge('bad', 'no')}
              </td>
            </tr>`,
        )}
      </tbody>
    </table>
    ${omitted === 0 ? null : html`<p class="quiet">${plural(omitted, 'more process', 'more processes')}</p>`}
  </div>`
}

function policyTable({ items, problem }: Part<PolicyLine>): Html {
  if (problem !== null) return html`<p class="error">${problem}</p>`
  if (items.length === 0) return html`<p class="quiet">No policy speaks of it: no change is expected.</p>`
  return html`<div class="card scroll">
    <table>
      <thead>
        <tr>
          <th scope="col">Line</th>
          <th scope="col">Written in</th>
        </tr>
      </thead>
      <tbody>
        ${items.map(
          ({ text, source }) =>
            html`<tr>
              <td class="mono">${hostile(text)}</td>
              <td class="quiet mono">${hostile(source)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}
