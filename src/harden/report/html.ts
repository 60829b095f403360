import { printable } from '../../lib/printable.ts'
import type { HardenResult } from '../harden.ts'
import { keepLine } from './keep-line.ts'
import { comparison } from './rows.ts'
import { shown, sizeText } from './sizes.ts'

const STYLE = `
:root{color-scheme:light dark;--ink:#1d2327;--dim:#5b6670;--paper:#fff;--line:#d5dade;--was:#c9b8a3;--now:#1b7a3d;--warn:#8a6100}
@media(prefers-color-scheme:dark){:root{--ink:#e6eaed;--dim:#9aa6af;--paper:#14181b;--line:#333b41;--was:#5c5144;--now:#5fcf86;--warn:#e5b83c}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:70rem;margin:0 auto;padding:1rem}
h1{font-size:1.5rem;overflow-wrap:anywhere}h2{font-size:1.2rem;margin-top:2rem}code{font-family:ui-monospace,monospace;font-size:.9em;overflow-wrap:anywhere}
.dim{color:var(--dim)}table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.35rem .8rem .35rem 0;border-bottom:1px solid var(--line)}
.bars{display:grid;grid-template-columns:max-content 1fr max-content;gap:.4rem .8rem;align-items:center;margin:1rem 0}
.bar{height:.55rem;border-radius:3px;background:var(--was);min-width:2px}.bar.now{background:var(--now);margin-top:2px}
.number{font-variant-numeric:tabular-nums;white-space:nowrap}details{margin:.4rem 0}summary{cursor:pointer}
.weak li{margin:.3rem 0}.weak code{color:var(--warn)}ul{padding-left:1.2rem}.ok{color:var(--now);font-weight:600}.bad{color:#c0392b;font-weight:600}`

/** The report as one HTML file: no script, nothing fetched, light and dark. Names of the image are text, never markup. */
export function hardenHtml(result: HardenResult): string {
  const {
    image,
    tag,
    sourceId,
    imageId,
    before,
    after,
    rules,
    weakSpots,
    sbom,
    healthCheck,
    kept,
    unusedKeep,
  } = result
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    `<title>${text(tag)}, hardened</title><style>${STYLE}</style></head><body><main>`,
    `<h1>${text(image)} → ${text(tag)}</h1>`,
    `<p class="dim"><code>${text(sourceId)}</code> became <code>${text(imageId ?? 'nothing: the test failed')}</code></p>`,
    bars(result),
    '<h2>Before and after</h2><table><thead><tr><th scope="col"></th><th scope="col">before</th><th scope="col">after</th></tr></thead><tbody>',
    ...comparison(before, after).map(
      ([name, was, now]) =>
        `<tr><th scope="row">${text(name)}</th><td>${text(was)}</td><td>${text(now)}</td></tr>`,
    ),
    '</tbody></table>',
    ...proof(result),
    '<h2>Still weak</h2>',
    weakSpots.length === 0
      ? '<p class="ok">Nothing known.</p>'
      : `<ul class="weak">${weakSpots.map(({ subjects, text: said }) => `<li>${subjects.map((each) => `<code>${text(each)}</code>`).join(', ')}: ${text(said)}</li>`).join('')}</ul>`,
    ...(healthCheck.length === 0
      ? []
      : [
          '<h2>Health check</h2><ul>',
          ...healthCheck.map(
            ({ name, path }) =>
              `<li><code>${text(name)}</code> ${path === null ? 'was not in the image' : `was kept: <code>${text(path)}</code>`}</li>`,
          ),
          '</ul>',
        ]),
    '<h2>What each rule did</h2>',
    ...rules.map(ruleDetails),
    ...unusedKeep.map((glob) => `<p><code>--keep ${text(glob)}</code> names nothing in this image.</p>`),
    `<h2>What was kept, and why</h2><details><summary>${kept.length} files</summary><table>`,
    ...kept.map(({ path, why }) => `<tr><td><code>${bytes(path)}</code></td><td>${bytes(why)}</td></tr>`),
    '</table></details>',
    `<h2>Packages that remain</h2><p>${sbom.components.map(({ name, version }) => `<code>${text(name)}</code> ${text(version)}`).join(', ') || 'None known: the image has no package database that Paddock reads.'}</p>`,
    '</main></body></html>\n',
  ].join('\n')
}

function proof({ depth, test, healed }: HardenResult): string[] {
  if (test === null) return ['<h2>Test</h2><p>Not tried: no test was given.</p>']
  const steps = test.steps.map(
    ({ what, ok, said }) =>
      `<li><span class="${ok ? 'ok' : 'bad'}">${ok ? 'passed' : 'failed'}</span> <code>${text(what)}</code> <span class="dim">${text(said)}</span></li>`,
  )
  const missed = test.missing.map(
    (path) => `<li><span class="bad">missed</span> <code>${bytes(path)}</code></li>`,
  )
  const mend =
    test.missing.length === 0 ? [] : [`<p>Mend it by <code>${text(keepLine(test.missing))}</code></p>`]
  const kept =
    healed.length === 0
      ? []
      : [
          `<p>Kept after a first try failed: ${healed.map((glob) => `<code>${text(glob)}</code>`).join(', ')}</p>`,
        ]
  const traced =
    depth === 'trace' ? '<p>What stays is what a run of this test used, seen from outside.</p>' : ''
  return [
    '<h2>Test on the hardened image</h2>',
    traced,
    '<ul>',
    ...steps,
    ...missed,
    '</ul>',
    ...mend,
    ...kept,
  ]
}

function bars({ before, after }: HardenResult): string {
  const rows = [
    ['size', before.sizeBytes, after.sizeBytes, sizeText],
    ['entries', before.entries, after.entries, String],
    ['programs', before.programs, after.programs, String],
  ] as const
  const row = ([name, was, now, said]: (typeof rows)[number]) =>
    `<span>${name}</span><span><span class="bar" style="display:block;width:100%"></span><span class="bar now" style="display:block;width:${percent(now, was)}%"></span></span><span class="number">${text(said(was))} → ${text(said(now))}</span>`
  return `<div class="bars">${rows.map(row).join('')}</div>`
}

function percent(now: number, was: number): string {
  return was === 0 ? '0' : Math.min(100, (100 * now) / was).toFixed(1)
}

function ruleDetails({ rule, on, deeds }: HardenResult['rules'][number]): string {
  const entries = deeds.reduce((sum, deed) => sum + deed.entries, 0)
  const size = deeds.reduce((sum, deed) => sum + deed.sizeBytes, 0)
  const what = !on
    ? 'off'
    : deeds.length === 0
      ? 'nothing to do'
      : `${entries} ${entries === 1 ? 'entry' : 'entries'}, ${sizeText(size)}`
  const rows = deeds.map(
    ({ path, did, change }) =>
      `<li><code>${bytes(path)}</code>${did === 'removed' ? '' : ` ${bytes(change)}`}</li>`,
  )
  const title = `<summary><strong>${text(rule.id)}</strong>: ${text(rule.title)} <span class="dim">(${what})</span></summary>`
  return `<details>${title}<p>${text(rule.reason)}.</p><ul>${rows.join('')}</ul></details>`
}

function bytes(latin: string): string {
  return escape(shown(latin))
}

function text(plain: string): string {
  return escape(printable(plain))
}

function escape(plain: string): string {
  return plain.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
