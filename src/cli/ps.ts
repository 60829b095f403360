import { recoverAll } from '../services/at-work.ts'
import { chooseServices, serviceNames } from '../services/herd.ts'
import { herdStatus } from '../services/status.ts'
import { defineCommand, type ExitCode } from './command.ts'
import { hostFor, serviceOptions } from './services/options.ts'
import { psJson, psText } from './services/ps-report.ts'
import { watchedState } from './services/watched.ts'

export const command = defineCommand({
  summary: 'what runs of the herd, how well, and whether it is what it should be',
  usage: ['ps [SERVICE…] [--json]'],
  description: `
Shows every service and every instance of it: health, age of the image, whether what runs is what the tag names now
("drift": promote or build moved it on, and a restart is due), whether programs that are not in the image are stopped
(exec), and open alerts ("unknown" where watch does not answer), also of containers that are gone.

Exit code: 0 whatever runs.`,
  options: serviceOptions,
  examples: [
    ['paddock ps', 'the whole herd'],
    ['paddock ps web --json', 'one service, for programs'],
  ],
  arguments: { min: 0, max: Number.POSITIVE_INFINITY },
  async run({ positionals, options, io }): Promise<ExitCode> {
    const host = await hostFor(options, io)
    const names = positionals.length === 0 ? null : chooseServices(host.herd, positionals, false)
    await recoverAll(host, names ?? serviceNames(host.herd))
    const status = await herdStatus(host, names)
    const watched = await watchedState(status, io)
    io.stdout.write(options.json === true ? psJson(host, status, watched) : psText(status, watched, io))
    return 0
  },
})
