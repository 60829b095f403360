import { instanceOn } from '../services/host.ts'
import { atWork } from '../services/at-work.ts'
import { goneServices, orderOf, refuseWhileNeeded, stop } from '../services/stop.ts'
import { inWaves, waves } from '../services/waves.ts'
import { defineCommand, type ExitCode } from './command.ts'
import {
  allOption,
  hostFor,
  instanceKind,
  instanceOption,
  namedServices,
  serviceOptions,
  yesOption,
} from './services/options.ts'
import { reportOutcomes } from './services/report.ts'

export const command = defineCommand({
  summary: 'stop services and remove their containers',
  usage: ['down SERVICE… [--instance prod|dev|test]', 'down --all'],
  description: `
Stops services, what needs another first, and removes their containers, networks and policies. Data stays. A service
that a running one needs is not stopped under it. A service whose folder is gone or broken stops, too.

Exit code: 0 all are down, 2 one could not be stopped.`,
  options: { ...serviceOptions, all: allOption, instance: instanceOption, yes: yesOption },
  examples: [
    ['paddock down web', 'production stops'],
    ['paddock down --all --instance dev', 'every development instance stops'],
  ],
  arguments: { min: 0, max: Number.POSITIVE_INFINITY },
  async run({ positionals, options, io }): Promise<ExitCode> {
    const kind = instanceKind(options.instance)
    const host = await hostFor(options, io)
    const names = namedServices(host, positionals, options.all, await goneServices(host))
    await refuseWhileNeeded(host, names, kind)
    const order = waves(names.map((name) => orderOf(host, name)))
      .toReversed()
      // In this order nothing waits for what it needs: it stops before it.
      .map((wave) => wave.map(({ name }) => ({ name, settings: { needs: [] } })))
    const outcomes = await inWaves(order, ({ name }) =>
      atWork(host, name, 'stop', () => stop(host, instanceOn(host, name, kind))),
    )
    return reportOutcomes(io, options.json === true, outcomes, {
      json: { instance: kind },
      fields: () => ({ instance: kind }),
      lines: () => ['down'],
    })
  },
})
