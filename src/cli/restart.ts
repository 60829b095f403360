import { serviceOf } from '../services/host.ts'
import { atWork } from '../services/at-work.ts'
import { startInstance } from '../services/production.ts'
import { inWaves, waves } from '../services/waves.ts'
import { defineCommand, type ExitCode } from './command.ts'
import {
  allOption,
  hostFor,
  instanceKind,
  instanceOption,
  namedServices,
  serviceOptions,
} from './services/options.ts'
import { reportOutcomes } from './services/report.ts'

export const command = defineCommand({
  summary: 'start services anew, from their clean images',
  usage: ['restart SERVICE… [--instance prod|dev|test]', 'restart --all'],
  description: `
Replaces the containers of services by new ones. Whatever was written to a container's root file system is gone with its
layer directory; volumes and data folders stay.

Exit code: 0 all are healthy, 2 one could not be started or did not get healthy.`,
  options: { ...serviceOptions, all: allOption, instance: instanceOption },
  examples: [['paddock restart web', 'back to a known good state']],
  arguments: { min: 0, max: Number.POSITIVE_INFINITY },
  async run({ positionals, options, io }): Promise<ExitCode> {
    const kind = instanceKind(options.instance)
    const host = await hostFor(options, io)
    const services = namedServices(host, positionals, options.all).map((name) => serviceOf(host, name))
    const outcomes = await inWaves(waves(services), (service) =>
      atWork(host, service.name, 'restart', () => startInstance(host, service, kind, { recreate: true })),
    )
    return reportOutcomes(io, options.json === true, outcomes, {
      json: { instance: kind },
      fields: () => ({ instance: kind }),
      lines: () => ['up, from a clean image'],
    })
  },
})
