import { chooseServices } from '../services/herd.ts'
import { instanceOn } from '../services/host.ts'
import { followLogs } from '../services/logs.ts'
import { defineCommand, type ExitCode } from './command.ts'
import { hostFor, instanceKind, instanceOption, serviceOptions } from './services/options.ts'

export const command = defineCommand({
  summary: 'what the containers of a service print',
  usage: ['logs SERVICE [--follow] [--tail N] [--instance prod|dev|test]'],
  description: `
Prints what the containers of a service wrote to standard output and error. On a terminal, control characters are
escaped; elsewhere every byte passes as the engine kept it.

Exit code: 0 printed, 2 nothing runs that could be asked.`,
  options: {
    herd: serviceOptions.herd,
    engine: serviceOptions.engine,
    instance: instanceOption,
    follow: { type: 'boolean', short: 'f', help: 'go on until Ctrl-C' },
    tail: { type: 'string', short: 'n', value: 'N', help: 'the last N lines of each container' },
  },
  examples: [['paddock logs web -f -n 20', 'the last 20 lines, then what comes']],
  arguments: { min: 1, max: 1 },
  async run({ positionals, options, io }): Promise<ExitCode> {
    const host = await hostFor(options, io)
    const [name = ''] = chooseServices(host.herd, positionals, false)
    const instance = instanceOn(host, name, instanceKind(options.instance))
    await followLogs(host, instance, {
      follow: options.follow === true,
      tail: options.tail,
      output: io.stdout,
      isEscaped: io.stdout.isTTY === true,
    })
    return 0
  },
})
