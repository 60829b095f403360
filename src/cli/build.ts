import { atWork } from '../services/at-work.ts'
import { build } from '../services/build.ts'
import { serviceOf } from '../services/host.ts'
import { shortId } from '../services/release.ts'
import { inWaves, oneByOne } from '../services/waves.ts'
import { defineCommand, type ExitCode } from './command.ts'
import { allOption, hostFor, namedServices, serviceOptions } from './services/options.ts'
import { reportOutcomes } from './services/report.ts'

export const command = defineCommand({
  summary: 'build and harden the images of services: what comes of it is :latest',
  usage: ['build SERVICE…', 'build --all'],
  description: `
Builds with docker compose, hardens the image, and calls it :latest. Production (:live) is not touched. The build argument
BASE is an image of the Debian packages that x-paddock names under base.

Exit code: 0 built, 2 one could not be built.`,
  options: { ...serviceOptions, all: allOption },
  examples: [['paddock build web', 'herd/web:latest']],
  arguments: { min: 0, max: Number.POSITIVE_INFINITY },
  async run({ positionals, options, io }): Promise<ExitCode> {
    const host = await hostFor(options, io)
    const names = namedServices(host, positionals, options.all)
    // One after the other: each build takes all cores.
    const outcomes = await inWaves(oneByOne(names), ({ name }) =>
      atWork(host, name, 'build', () => build(host, serviceOf(host, name))),
    )
    return reportOutcomes(io, options.json === true, outcomes, {
      json: {},
      fields: ({ images, durationMs }) => ({ images, durationMs }),
      lines: ({ images }) => {
        const built = Object.entries(images)
        if (built.length === 0) return ['builds no image of its own']
        return built.map(([name, id]) => `${name}:latest is ${shortId(id)}`)
      },
    })
  },
})
