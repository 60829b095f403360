import type { HardenResult } from '../harden.ts'
import { keepLine } from './keep-line.ts'
import { comparison } from './rows.ts'
import { shown, sizeText } from './sizes.ts'

/** The report as Markdown: tables, and what each rule took away. */
export function hardenMarkdown(result: HardenResult): string {
  const { image, tag, sourceId, imageId, before, after, rules, weakSpots, sbom, healthCheck } = result
  const did = rules.filter(({ deeds }) => deeds.length > 0)
  return [
    `# ${cell(image)} hardened`,
    '',
    `\`${cell(image)}\` (${sourceId}) became \`${cell(tag)}\` (${imageId ?? 'not made: the test failed'}).`,
    '',
    '| | before | after |',
    '|---|---|---|',
    ...comparison(before, after).map((row) => `| ${row.map(cell).join(' | ')} |`),
    '',
    ...proof(result),
    '## Rules',
    '',
    '| rule | took away | because |',
    '|---|---|---|',
    ...rules.map(
      ({ rule, on, deeds }) => `| ${rule.id} | ${on ? summary(deeds) : 'off'} | ${cell(rule.reason)} |`,
    ),
    '',
    '## Still weak',
    '',
    ...(weakSpots.length === 0
      ? ['Nothing known.']
      : weakSpots.map(
          ({ subjects, text }) =>
            `- ${subjects.map((subject) => `\`${cell(subject)}\``).join(', ')}: ${text}`,
        )),
    '',
    ...(healthCheck.length === 0
      ? []
      : [
          '## Health check',
          '',
          ...healthCheck.map(
            ({ name, path }) =>
              `- \`${cell(name)}\`: ${path === null ? 'not in the image' : `kept, \`${cell(path)}\``}`,
          ),
          '',
        ]),
    '## Packages that remain',
    '',
    sbom.components.map(({ name, version }) => `${cell(name)} ${cell(version)}`).join(', ') || 'none known',
    '',
    ...did.flatMap(({ rule, deeds }) => [
      `### ${rule.id}: ${rule.title}`,
      '',
      ...deeds.map(
        ({ path, did: what, change }) =>
          `- \`${cell(shown(path))}\`${what === 'removed' ? '' : ` ${cell(shown(change))}`}`,
      ),
      '',
    ]),
  ].join('\n')
}

function proof({ test, healed }: HardenResult): string[] {
  if (test === null) return ['## Test', '', 'Not tried: no test was given.', '']
  const mend = test.missing.length === 0 ? [] : ['', `Mend it by \`${cell(keepLine(test.missing))}\``]
  const kept =
    healed.length === 0
      ? []
      : ['', `Kept after a first try failed: ${healed.map((glob) => `\`${cell(glob)}\``).join(', ')}`]
  return [
    '## Test on the hardened image',
    '',
    ...test.steps.map(
      ({ what, ok, said }) => `- ${ok ? 'passed' : '**failed**'}: \`${cell(what)}\` (${cell(said)})`,
    ),
    ...test.missing.map((path) => `- **missed**: \`${cell(shown(path))}\``),
    ...mend,
    ...kept,
    '',
  ]
}

function summary(deeds: HardenResult['rules'][number]['deeds']): string {
  const entries = deeds.reduce((sum, deed) => sum + deed.entries, 0)
  const size = deeds.reduce((sum, deed) => sum + deed.sizeBytes, 0)
  return entries === 0 ? 'nothing' : `${entries} ${entries === 1 ? 'entry' : 'entries'}, ${sizeText(size)}`
}

function cell(text: string): string {
  return text.replace(/[|`<>\r\n]/g, ' ')
}
