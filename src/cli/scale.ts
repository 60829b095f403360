import { atWork } from '../services/at-work.ts'
import { chooseServices } from '../services/herd.ts'
import { serviceOf } from '../services/host.ts'
import { parseScale, scale } from '../services/scale.ts'
import { inWaves, oneByOne, type Outcome } from '../services/waves.ts'
import type { Up } from '../services/production.ts'
import { defineCommand, type ExitCode } from './command.ts'
import { hostFor, instanceKind, instanceOption, serviceOptions } from './services/options.ts'
import { reportOutcomes } from './services/report.ts'

export const command = defineCommand({
  summary: 'run N replicas of a service',
  usage: ['scale SERVICE=N… [--instance prod|dev]'],
  description: `
Runs N containers of the service. A published port must be a range of at least N ("8080-8089:8080"), or a proxy of the herd stands
before it and finds the replicas by the service's name. New ones must be healthy; those that go finish what they are at,
within the compose file's stop_grace_period. The number stays until it is changed.

Exit code: 0 they run, 2 they could not be started.`,
  options: { ...serviceOptions, instance: instanceOption },
  examples: [['paddock scale api=3', 'three of them, behind the proxy']],
  arguments: { min: 1, max: Number.POSITIVE_INFINITY },
  async run({ positionals, options, io }): Promise<ExitCode> {
    const kind = instanceKind(options.instance)
    const host = await hostFor(options, io)
    const wanted = positionals.map(parseScale)
    const counts = new Map(
      wanted.map(({ name, count }) => [chooseServices(host.herd, [name], false)[0] ?? '', count]),
    )
    const outcomes: readonly Outcome<Up>[] = await inWaves(oneByOne([...counts.keys()]), ({ name }) =>
      atWork(host, name, 'scale', () => scale(host, serviceOf(host, name), kind, counts.get(name) ?? 1)),
    )
    return reportOutcomes(io, options.json === true, outcomes, {
      json: { instance: kind },
      fields: ({ instance }) => ({ instance: kind, replicas: counts.get(instance.service) ?? 1 }),
      lines: ({ instance }) => [`${counts.get(instance.service) ?? 1} running`],
    })
  },
})
