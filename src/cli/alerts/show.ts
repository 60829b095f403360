import type { AlertStory, ProcessNode, TimelineItem } from '../../alerts/alert.ts'
import { printable } from '../../lib/printable.ts'
import { defineCommand, shared } from '../command.ts'
import { askWatch } from './client.ts'
import { alertLines, safe } from './text.ts'

export const command = defineCommand({
  summary: 'one alert as a story',
  usage: ['alerts show ID [--json]'],
  description: `
Tells what happened in its order, who did it, what differs from the image, which files were captured, and which
lines of policy would have expected it.

Exit code: 0 it was shown, 2 there is none of that number or watch could not be asked.`,
  options: { json: shared.json },
  examples: [['paddock alerts show 17', 'the story of alert 17']],
  arguments: { min: 1, max: 1 },
  async run({ positionals: [id = ''], options, io }) {
    const answer = await askWatch<{ alert: AlertStory }>(io, `/alerts/${encodeURIComponent(id)}`)
    io.stdout.write(
      options.json === true ? `${JSON.stringify(answer)}\n` : storyText(answer.alert, Date.now()),
    )
    return 0
  },
})

function storyText(alert: AlertStory, now: number): string {
  const half = alert.omitted === 0 ? alert.timeline.length : Math.ceil(alert.timeline.length / 2)
  return [
    alertLines(alert, now).trimEnd(),
    '',
    'What happened',
    ...alert.timeline.slice(0, half).flatMap(itemLines),
    ...(alert.omitted === 0 ? [] : [`  … ${alert.omitted} findings in between …`]),
    ...alert.timeline.slice(half).flatMap(itemLines),
    ...section(
      'Who did it',
      alert.processes.flatMap((process) => processLines(process, '  ')),
    ),
    ...section(
      `Evidence (paddock alerts evidence ${alert.id} -o FILE)`,
      alert.evidence.map(({ sha256, size, path }) => `  ${sha256}  ${size} bytes  ${printable(path)}`),
    ),
    ...section(
      'Policy that would have expected this; read it before you take it over',
      alert.policyLines.map((line) => `  ${line}`),
    ),
    ...section(
      'It came back',
      alert.next.map((next) => `  alert ${next}`),
    ),
    '',
  ].join('\n')
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines]
}

function itemLines({ at, severity, summary, count, change }: TimelineItem): string[] {
  const times = count === 1 ? '' : ` (${count} times)`
  return [
    `  ${at}  ${severity.padEnd(8)}  ${safe(summary)}${times}`,
    ...(change?.rows ?? []).map(
      ({ what, was, now }) => `      ${what}: ${printable(was)} → ${printable(now)}`,
    ),
  ]
}

function processLines(process: ProcessNode, indent: string): string[] {
  const { argv, command, pid, uid, uidInside } = process
  const line = printable(argv === null || argv.length === 0 ? command : argv.join(' '))
  const user = uid === null ? '' : `, uid ${uidInside ?? uid} inside, ${uid} on the host`
  return [
    `${indent}${line}  (process ${pid}${user})`,
    ...process.children.flatMap((child) => processLines(child, `${indent}  `)),
  ]
}
