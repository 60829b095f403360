import { atWork } from '../services/at-work.ts'
import { type Release, shortId } from '../services/release.ts'
import { rollback } from '../services/rollback.ts'
import { inWaves, oneByOne } from '../services/waves.ts'
import { defineCommand, type ExitCode } from './command.ts'
import { allOption, hostFor, namedServices, serviceOptions, yesOption } from './services/options.ts'
import { reportOutcomes } from './services/report.ts'

export const command = defineCommand({
  summary: 'production returns to what it ran before',
  usage: ['rollback SERVICE…'],
  description: `
:prev becomes :live and runs, with the declaration that it ran with; what was live becomes :prev, so that a second rollback
returns. It holds until the next promotion, through restarts.

Exit code: 0 it runs, 2 there is nothing to return to, or it does not get healthy.`,
  options: { ...serviceOptions, all: allOption, yes: yesOption },
  examples: [['paddock rollback web', 'one word, any time']],
  arguments: { min: 0, max: Number.POSITIVE_INFINITY },
  async run({ positionals, options, io }): Promise<ExitCode> {
    const host = await hostFor(options, io)
    const names = namedServices(host, positionals, options.all)
    const outcomes = await inWaves(
      // Its compose file may be broken: that is no reason not to go back.
      oneByOne(names),
      ({ name }) => atWork(host, name, 'roll back', () => rollback(host, name)),
    )
    return reportOutcomes(io, options.json === true, outcomes, {
      json: {},
      fields: ({ from, to }) => ({ live: to.images, prev: from?.images ?? null, promotedAt: to.at }),
      lines: ({ from, to }) => [`back to ${told(to)}${from === null ? '' : `, from ${told(from)}`}`],
    })
  },
})

function told({ images, at }: Release): string {
  return `${Object.values(images).map(shortId).join(', ') || 'its declaration'} (promoted ${at})`
}
