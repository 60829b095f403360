import { checks } from '../checks/table.ts'
import { chainSeverity, chainStory, chainText } from '../escape/escape.ts'
import { type AuditReport, isFailure } from '../run.ts'
import { type Group, groups, subjectsText, type Way, ways } from './cases.ts'
import { escapeHtml } from './escape-html.ts'
import { chainsSvg } from './svg.ts'

const STYLE = `
:root{color-scheme:light dark;--ink:#1d2327;--dim:#5b6670;--paper:#fff;--line:#d5dade;--critical:#b00020;--high:#c2410c;--medium:#8a6100;--low:#1f6f8b;--info:#5b6670;--ok:#1b7a3d}
@media(prefers-color-scheme:dark){:root{--ink:#e6eaed;--dim:#9aa6af;--paper:#14181b;--line:#333b41;--critical:#ff6b7d;--high:#ff9d66;--medium:#e5b83c;--low:#67c3df;--info:#9aa6af;--ok:#5fcf86}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:70rem;margin:0 auto;padding:1rem}
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2rem}code{font-family:ui-monospace,monospace;font-size:.9em;overflow-wrap:anywhere}
.dim{color:var(--dim)}.graph{overflow-x:auto;border:1px solid var(--line);border-radius:8px}
article{border:1px solid var(--line);border-left:5px solid var(--info);border-radius:8px;padding:.6rem 1rem;margin:.8rem 0}
article h3{margin:.2rem 0;font-size:1rem}article ul{padding-left:1.2rem;margin:.4rem 0}article p{margin:.3rem 0}
.badge{font-size:.75rem;font-weight:700;text-transform:uppercase;margin-right:.6rem}
.critical{border-left-color:var(--critical)}.high{border-left-color:var(--high)}.medium{border-left-color:var(--medium)}.low{border-left-color:var(--low)}
.badge.critical{color:var(--critical)}.badge.high{color:var(--high)}.badge.medium{color:var(--medium)}.badge.low{color:var(--low)}.badge.info{color:var(--info)}
svg{max-width:100%;min-width:44rem;height:auto}svg text{font:12px ui-monospace,monospace;fill:var(--ink)}svg rect{fill:var(--paper);stroke:var(--dim);stroke-width:1.2}
svg .root rect{fill:var(--critical);stroke:var(--critical)}svg .root text{fill:var(--paper);font-weight:700}
svg .user rect,svg .container rect,svg .anyone rect,svg .network rect{stroke-width:2.5}
svg .edge{fill:none;stroke:var(--dim);stroke-width:1.6}svg .edge.critical{stroke:var(--critical)}svg .edge.high{stroke:var(--high)}svg marker path{fill:var(--dim)}
table{border-collapse:collapse}td{padding:.1rem 1rem .1rem 0;vertical-align:top}`

/** The report as one HTML file: no script, nothing fetched, readable by a screen reader, light and dark. */
export function auditHtml(report: AuditReport): string {
  const failures = groups(
    report.findings.filter((finding) => isFailure(finding) && finding.id !== 'escape-path'),
  )
  const infos = groups(
    report.findings.filter(
      ({ status, severity, id }) => status === 'fail' && severity === 'info' && id !== 'escape-path',
    ),
  )
  const unknown = groups(report.findings.filter(({ status }) => status === 'unknown'))
  const routes = ways(report.chains)
  const passes = report.findings.filter(({ status }) => status === 'pass')
  const engine = report.engine === null ? 'no engine' : `${report.engine.kind} ${report.engine.version}`
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    `<title>Audit of ${escapeHtml(report.host)}</title><style>${STYLE}</style></head><body><main>`,
    `<h1>Audit of ${escapeHtml(report.host)}</h1><p class="dim">${escapeHtml(engine)}, ${escapeHtml(report.startedAt)}</p>`,
    `<p>${escapeHtml(summary(report))}</p>`,
    ...(report.chains.length === 0
      ? ['<h2>No way to root</h2>']
      : [
          `<h2>${routes.length} ${routes.length === 1 ? 'way' : 'ways'} to root</h2><div class="graph" tabindex="0">`,
          chainsSvg(report.chains),
          '</div>',
          ...routes.map(way),
        ]),
    ...(failures.length === 0 ? [] : ['<h2>What to mend, gravest first</h2>', ...failures.map(article)]),
    ...(infos.length === 0 ? [] : ['<h2>Worth knowing</h2>', ...infos.map(article)]),
    ...(unknown.length === 0 ? [] : ['<h2>Could not be judged</h2>', ...unknown.map(article)]),
    `<h2>As it should be</h2><table>${[...Map.groupBy(passes, ({ id }) => id)].map(([id, list]) => `<tr><td><code>${id}</code></td><td>${escapeHtml(list[0]?.title ?? '')}</td><td>${list.length}</td></tr>`).join('')}</table>`,
    '</main></body></html>\n',
  ].join('\n')
}

function summary({ findings }: AuditReport): string {
  const parts = (['critical', 'high', 'medium', 'low', 'info'] as const).flatMap((severity) => {
    const count = findings.filter(
      (finding) => finding.status === 'fail' && finding.severity === severity,
    ).length
    return count === 0 ? [] : [`${count} ${severity}`]
  })
  return parts.length === 0 ? 'Nothing to mend.' : `${parts.join(', ')}.`
}

function way({ chain, likewise }: Way): string {
  const remedy = chain.edges.find((edge) => edge.remedy !== '')?.remedy
  const severity = chainSeverity(chain)
  return [
    `<article class="${severity}"><h3><span class="badge ${severity}">${severity}</span>${escapeHtml(chainText(chain))}</h3>`,
    `<p>${escapeHtml(chainStory(chain))}.</p>`,
    likewise.length === 0 ? '' : `<p>Likewise: ${escapeHtml(likewise.join(', '))}</p>`,
    remedy === undefined ? '' : `<p>Close it: <code>${escapeHtml(remedy)}</code></p>`,
    '</article>',
  ].join('')
}

function article({ id, severity, findings, cases }: Group): string {
  const check = checks.find((each) => each.id === id)
  const cis = [...new Set(findings.flatMap((finding) => (finding.cis === null ? [] : [finding.cis])))]
  const items = cases.map(
    ({ subjects, evidence, remedy }) =>
      `<li><b>${escapeHtml(subjectsText(subjects, subjects.length))}</b>: ${escapeHtml(evidence)}${remedy === '' ? '' : `<br>Mend: <code>${escapeHtml(remedy)}</code>`}</li>`,
  )
  return [
    `<article class="${severity}"><h3><span class="badge ${severity}">${severity}</span>${escapeHtml(findings[0]?.title ?? id)}`,
    ` <code class="dim">${escapeHtml(id)}${cis.length === 0 ? '' : `, CIS ${escapeHtml(cis.join(' '))}`}</code></h3>`,
    `<p>${escapeHtml(check?.why ?? '')}</p><ul>${items.join('')}</ul></article>`,
  ].join('')
}
