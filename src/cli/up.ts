import { printable } from '../lib/printable.ts'
import { containersOf } from '../services/containers.ts'
import type { Service } from '../services/declaration.ts'
import { type Host, instanceOn, withNeeds } from '../services/host.ts'
import type { InstanceKind } from '../services/instance.ts'
import { atWork } from '../services/at-work.ts'
import { resolveModel } from '../services/model.ts'
import { startInstance } from '../services/production.ts'
import { inWaves, waves } from '../services/waves.ts'
import { defineCommand, type ExitCode } from './command.ts'
import {
  allOption,
  hostAhead,
  instanceKind,
  instanceOption,
  namedServices,
  serviceOptions,
} from './services/options.ts'
import { reportOutcomes } from './services/report.ts'

export const command = defineCommand({
  summary: 'start services and wait until they are healthy',
  usage: ['up SERVICE… [--instance prod|dev|test]', 'up --all'],
  description: `
Starts services with docker compose, closed by Paddock's defaults ('paddock config SERVICE' shows them), and lists what a
compose file opens wider. What a service needs is started before it. With --all the herd starts in waves, each when
the one before is healthy. Their policies are written for the sensor before the first container runs.

Exit code: 0 all are healthy, 2 one could not be started or did not get healthy; the others run.`,
  options: { ...serviceOptions, all: allOption, instance: instanceOption },
  examples: [
    ['paddock up web', 'production: the image :live'],
    ['paddock up web --instance dev', 'beside it: the image :latest, own data, own ports on 127.0.0.1'],
    ['paddock up --all', 'everything, in waves'],
  ],
  arguments: { min: 0, max: Number.POSITIVE_INFINITY },
  async run({ positionals, options, io }): Promise<ExitCode> {
    const kind = instanceKind(options.instance)
    const { host, answers } = hostAhead(options, io)
    const names = namedServices(host, positionals, options.all)
    const services = await wanted(host, names, kind)
    const started = inWaves(waves(services), async (service) => {
      // Compose reads the declaration while the engine says what it is and the lock is taken: half of what `up` waits for.
      const declared = resolveModel(host.docker, service, instanceOn(host, service.name, kind))
      // Told where it is used: what was rolled back runs without it.
      declared.catch(() => undefined)
      await answers()
      return atWork(host, service.name, 'start', () =>
        startInstance(host, service, kind, { recreate: false, declared }),
      )
    })
    const [outcomes] = await Promise.all([started, answers()])
    return reportOutcomes(io, options.json === true, outcomes, {
      json: { instance: kind },
      fields: ({ instance, openings, pinnedSince }) => ({
        instance: kind,
        project: instance.project,
        opened: openings,
        pinnedSince,
      }),
      lines: ({ openings, pinnedSince }) => [
        'up',
        ...(pinnedSince === null
          ? []
          : [
              `runs with the declaration of ${pinnedSince}, since it was rolled back; the next promotion ends that`,
            ]),
        ...openings.map(({ container, text }) => `opens wider: ${printable(`${container} ${text}`)}`),
      ],
    })
  },
})

/** Those named, and of what they need that which does not run. */
async function wanted(host: Host, names: readonly string[], kind: InstanceKind): Promise<readonly Service[]> {
  const services = withNeeds(host, names)
  if (services.length === names.length) return services
  const running = await containersOf(host, ({ instance, state }) => instance === kind && state === 'running')
  const up = new Set(running.map(({ service }) => service))
  return services.filter(({ name }) => names.includes(name) || !up.has(name))
}
