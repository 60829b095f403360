/** The one style sheet. Colours come in pairs, light and dark; each pair of text and ground has a contrast of 4.5 or more. */
export const style = `
:root {
  color-scheme: light dark;
  --ground: light-dark(#f6f7f8, #14181c);
  --card: light-dark(#ffffff, #1c2127);
  --text: light-dark(#1c2329, #e4e8ec);
  --quiet: light-dark(#56616b, #a3adb7);
  --line: light-dark(#d9dee3, #343c45);
  --accent: light-dark(#0b5cad, #7ab8f5);
  --good: light-dark(#0f6b3c, #6cd39b);
  --good-ground: light-dark(#e2f4ea, #12301f);
  --bad: light-dark(#a81c25, #ff9a9a);
  --bad-ground: light-dark(#fdeaea, #3a1719);
  --blind: light-dark(#7a4b00, #f2c063);
  --blind-ground: light-dark(#fff3d6, #35280d);
  --low: light-dark(#47525c, #b6c0ca);
  --medium: light-dark(#7a4b00, #f2c063);
  --high: light-dark(#a33a00, #ffab78);
  --critical: light-dark(#a81c25, #ff9a9a);
}
* { box-sizing: border-box; }
html { font: 16px/1.5 system-ui, sans-serif; background: var(--ground); color: var(--text); }
body { margin: 0; }
a { color: var(--accent); text-underline-offset: 0.15em; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
.skip { position: absolute; left: -999px; }
.skip:focus { position: static; display: inline-block; padding: 0.5rem 1rem; }
header .bar, main, footer, .strip { padding-inline: max(1rem, calc((100% - 72rem) / 2)); }
header .bar { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; align-items: center; padding-block: 0.6rem; background: var(--card); border-bottom: 1px solid var(--line); }
.brand { font-weight: 700; text-decoration: none; color: var(--text); font-size: 1.1rem; }
.host { color: var(--quiet); overflow-wrap: anywhere; }
nav { display: flex; flex-wrap: wrap; gap: 0.25rem; margin-inline-start: auto; }
nav a { padding: 0.35rem 0.7rem; border-radius: 6px; text-decoration: none; color: var(--text); }
nav a:hover { background: var(--ground); }
nav a[aria-current] { background: var(--ground); font-weight: 600; box-shadow: inset 0 -2px var(--accent); }
.strip { display: flex; flex-wrap: wrap; gap: 0 1rem; padding-block: 0.7rem; border-bottom: 1px solid var(--line); align-items: baseline; }
.strip strong { font-size: 1.15rem; }
.strip strong::before { content: "● "; }
.strip.good { background: var(--good-ground); color: var(--good); }
.strip.good strong::before { content: "✓ "; }
.strip.bad { background: var(--bad-ground); color: var(--bad); }
.strip.blind { background: var(--blind-ground); color: var(--blind); }
.strip.blind strong::before { content: "▲ "; }
main { padding-block: 1rem 3rem; outline: none; }
footer { padding-block: 1rem; border-top: 1px solid var(--line); font-size: 0.875rem; display: flex; gap: 1rem; flex-wrap: wrap; justify-content: space-between; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0.5rem 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2rem 0 0.6rem; overflow-wrap: anywhere; }
p { margin: 0.5rem 0; max-width: 48rem; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); }
code, pre, .mono { font: 0.9em/1.5 ui-monospace, monospace; }
code, .mono { overflow-wrap: anywhere; }
pre { background: var(--ground); border: 1px solid var(--line); border-radius: 6px; padding: 0.75rem; overflow-x: auto; margin: 0.5rem 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 0.9rem 1.1rem; margin-block: 0.75rem; }
.card > :first-child { margin-top: 0; }
.card > :last-child { margin-bottom: 0; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr)); gap: 0.75rem; margin-block: 0.75rem; }
.grid > .card { margin: 0; }
.fact { font-size: 1.35rem; font-weight: 650; display: block; overflow-wrap: anywhere; }
.badge { display: inline-block; font-size: 0.8rem; font-weight: 650; padding: 0.05rem 0.5rem; border-radius: 999px; border: 1px solid currentColor; white-space: nowrap; color: var(--low); }
.badge.medium { color: var(--medium); }
.badge.high { color: var(--high); }
.badge.critical, .badge.bad { color: var(--critical); }
.badge.critical { background: var(--bad-ground); }
.badge.critical::before, .badge.high::before { content: "▲ "; }
.badge.good { color: var(--good); }
table { border-collapse: collapse; width: 100%; }
caption { text-align: start; color: var(--quiet); padding-block: 0.3rem; }
th { text-align: start; font-weight: 600; color: var(--quiet); font-size: 0.875rem; }
th, td { padding: 0.45rem 0.75rem 0.45rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
td.number, th.number { text-align: end; font-variant-numeric: tabular-nums; padding-inline-end: 1.75rem; }
.diff th[scope="row"] { overflow-wrap: normal; }
.words :is(thead th, td) { overflow-wrap: normal; }
.words td a { white-space: nowrap; }
ul.card { padding-inline-start: 2.2rem; }
ul.plain.card { padding-inline-start: 1.1rem; }
.ends { display: flex; justify-content: space-between; font-size: 0.8rem; color: var(--quiet); }
a[aria-current="true"] { color: var(--text); font-weight: 600; text-decoration: none; }
a.button { display: inline-block; padding: 0.45rem 0.9rem; border-radius: 6px; border: 1px solid var(--accent); font-weight: 600; text-decoration: none; }
tbody tr:last-child > * { border-bottom: 0; }
ul.plain, ol.plain { list-style: none; margin: 0; padding: 0; }
.alerts li { padding: 0.6rem 0; border-bottom: 1px solid var(--line); }
.alerts .selectable { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0 0.75rem; align-items: start; }
.alerts li:last-child { border-bottom: 0; }
.alerts input[type="checkbox"] { margin-block: 0.35rem; }
.alerts .what { font-weight: 600; overflow-wrap: anywhere; }
.alerts .about { display: flex; flex-wrap: wrap; gap: 0 0.9rem; font-size: 0.875rem; color: var(--quiet); align-items: baseline; }
form.filter, form.row { display: flex; flex-wrap: wrap; gap: 0.6rem; align-items: end; margin-block: 0.5rem; }
:is(form.filter, form.row) label { display: grid; gap: 0.15rem; }
:is(form.filter, form.row) :is(input, select, button) { min-height: 2.5rem; }
label { display: block; font-size: 0.875rem; color: var(--quiet); }
label.check { display: flex; gap: 0.4rem; align-items: center; }
input:not([type="checkbox"]), select, textarea { font: inherit; color: var(--text); background: var(--card); border: 1px solid var(--quiet); border-radius: 6px; padding: 0.4rem 0.6rem; max-width: 100%; }
textarea { width: 100%; min-height: 4.5rem; }
button { font: inherit; font-weight: 600; padding: 0.45rem 0.9rem; border-radius: 6px; border: 1px solid var(--accent); background: var(--accent); color: var(--card); cursor: pointer; }
button.second { background: transparent; color: var(--accent); }
button.link { background: none; border: 0; color: var(--accent); padding: 0; font-weight: 400; text-decoration: underline; }
.error { color: var(--bad); font-weight: 600; }
ol.timeline { list-style: none; margin: 0; padding: 0 0 0 1rem; border-inline-start: 2px solid var(--line); }
ol.timeline > li { padding: 0.4rem 0; position: relative; overflow-wrap: anywhere; }
ol.timeline > li::before { content: ""; position: absolute; inset-inline-start: calc(-1rem - 6px); top: 0.9rem; width: 10px; height: 10px; border-radius: 50%; background: var(--quiet); }
ol.timeline > li.high::before, ol.timeline > li.medium::before { background: var(--high); }
ol.timeline > li.critical::before { background: var(--critical); }
.tree, .tree ul { list-style: none; margin: 0; padding-inline-start: 1.1rem; }
.tree { padding: 0; }
.tree li { padding-block: 0.1rem; overflow-wrap: anywhere; }
.tree summary { cursor: pointer; }
.tree .expected { color: var(--quiet); }
svg.plot { display: block; width: 100%; height: 4rem; background: var(--ground); border-radius: 6px; }
.plot .info, .plot .low { fill: var(--low); }
.plot .medium { fill: var(--medium); }
.plot .high { fill: var(--high); }
.plot .critical { fill: var(--critical); }
.scroll { overflow-x: auto; }
.login { max-width: 26rem; margin-inline: auto; }
.login input { width: 100%; }
@media (max-width: 42rem) {
  header .bar { gap: 0.25rem 0.75rem; }
  nav { margin-inline-start: 0; width: 100%; order: 1; justify-content: space-between; gap: 0; }
  nav a { padding-inline: 0.5rem; }
  .logout { margin-inline-start: auto; }
  .grid { grid-template-columns: repeat(auto-fit, minmax(min(100%, 9rem), 1fr)); }
  .grid > .card { padding: 0.7rem 0.8rem; }
  .fact { font-size: 1.1rem; }
  table.cards thead { position: absolute; left: -999px; }
  table.cards tr { display: grid; grid-template-columns: 1fr 1fr; gap: 0.1rem 1rem; padding-block: 0.6rem; border-bottom: 1px solid var(--line); }
  table.cards tr:last-child { border-bottom: 0; }
  table.cards :is(td, th) { border: 0; padding: 0; text-align: start; }
  table.cards tbody th { grid-column: 1 / -1; font-size: 1.05rem; color: var(--text); }
  table.cards td[data-label]::before { content: attr(data-label) " "; color: var(--quiet); font-size: 0.8rem; }
}
@media (prefers-reduced-motion: no-preference) {
  [data-part].fresh:not(.grid) { animation: fresh 1.2s ease-out; }
  @keyframes fresh { from { background-color: var(--blind-ground); } }
}
`

export const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0b5cad"/><path d="M6 12h20M6 20h20M10 7v18M22 7v18" stroke="#fff" stroke-width="3" stroke-linecap="round"/></svg>`
