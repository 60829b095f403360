import { atWork } from '../services/at-work.ts'
import { serviceOf } from '../services/host.ts'
import { promote } from '../services/promote.ts'
import { type Release, shortId } from '../services/release.ts'
import { inWaves, oneByOne } from '../services/waves.ts'
import { defineCommand, type ExitCode } from './command.ts'
import { allOption, hostFor, namedServices, serviceOptions, yesOption } from './services/options.ts'
import { reportOutcomes } from './services/report.ts'

export const command = defineCommand({
  summary: 'make what was tested production: :live becomes :prev, :latest becomes :live',
  usage: ['promote SERVICE…', 'promote --all'],
  description: `
Only an image whose own test passed is promoted. What runs goes on until 'paddock up' or 'paddock restart'; 'paddock upgrade' does
all of it and watches.

Exit code: 0 promoted, 2 one could not be.`,
  options: { ...serviceOptions, all: allOption, yes: yesOption },
  examples: [['paddock promote web && paddock up web', 'production runs what was tested']],
  arguments: { min: 0, max: Number.POSITIVE_INFINITY },
  async run({ positionals, options, io }): Promise<ExitCode> {
    const host = await hostFor(options, io)
    const names = namedServices(host, positionals, options.all)
    const outcomes = await inWaves(oneByOne(names), ({ name }) =>
      atWork(host, name, 'promote', () => promote(host, serviceOf(host, name))),
    )
    return reportOutcomes(io, options.json === true, outcomes, {
      json: {},
      fields: ({ live, before, isNew }) => ({ live: live.images, prev: before?.images ?? null, isNew }),
      lines: ({ live, before, isNew }) =>
        isNew
          ? [`live is ${ids(live)}${before === null ? '' : `, and ${ids(before)} can be returned to`}`]
          : [`live is ${ids(live)} already`],
    })
  },
})

function ids({ images }: Release): string {
  return Object.values(images).map(shortId).join(', ') || 'its declaration'
}
