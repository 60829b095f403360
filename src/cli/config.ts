import { chooseServices } from '../services/herd.ts'
import { instanceOn, serviceOf } from '../services/host.ts'
import { prepare, type Prepared } from '../services/prepare.ts'
import { policyText } from '../services/policy-file.ts'
import { defineCommand, type ExitCode } from './command.ts'
import { configText } from './services/config-text.ts'
import { allOption, hostFor, instanceKind, instanceOption, serviceOptions } from './services/options.ts'

export const command = defineCommand({
  summary: 'the compose file that a service really runs with',
  usage: ['config SERVICE… [--instance prod|dev|test]', 'config --all'],
  description: `
Prints what docker compose gets: the service's own compose file with every variable filled in, and what Paddock adds, each
marked. To open one of them, say it in the service's compose.yaml: what it says itself stays.

Exit code: 0 printed, 2 a compose file is wrong.`,
  options: { ...serviceOptions, all: allOption, instance: instanceOption },
  examples: [
    ['paddock config web', "production's"],
    ["paddock config web --json | jq '.services[].opened'", 'what it opens wider'],
  ],
  arguments: { min: 0, max: Number.POSITIVE_INFINITY },
  async run({ positionals, options, io }): Promise<ExitCode> {
    const kind = instanceKind(options.instance)
    const host = await hostFor(options, io)
    const names = chooseServices(host.herd, positionals, options.all === true)
    const all: Prepared[] = []
    for (const name of names)
      all.push(await prepare(host, serviceOf(host, name), instanceOn(host, name, kind)))
    if (options.json === true) {
      const services = all.map(({ service, instance, model, defaults, openings }) => ({
        service: service.name,
        instance: kind,
        project: instance.project,
        compose: model,
        added: defaults,
        opened: openings,
        policy: policyText(service, instance),
      }))
      io.stdout.write(`${JSON.stringify({ version: 1, services })}\n`)
    } else for (const one of all) io.stdout.write(configText(one))
    return 0
  },
})
