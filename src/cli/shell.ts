import { UserError } from '../lib/errors.ts'
import { chooseServices } from '../services/herd.ts'
import { instanceOn } from '../services/host.ts'
import { anyContainers } from '../services/logs.ts'
import { defineCommand, type ExitCode } from './command.ts'
import { hostFor, instanceKind, instanceOption, serviceOptions } from './services/options.ts'

/** What docker's exec ends with when the program is not there. */
const NOT_THERE = [126, 127]

export const command = defineCommand({
  summary: 'a shell, or another program, in a running container of a service',
  usage: ['shell SERVICE [--instance prod|dev|test] [-- PROGRAM ARG…]'],
  description: `
Runs a program in the service's container, with this terminal. A hardened image has no shell: name a program that it has, or
look at it from outside ('paddock logs', 'paddock scan', 'paddock cow').

Exit code: 0 the program ended well, 1 it ended otherwise, 2 it could not be run.`,
  options: { herd: serviceOptions.herd, engine: serviceOptions.engine, instance: instanceOption },
  examples: [
    ['paddock shell web', 'a shell, where the image has one'],
    ['paddock shell redis -- redis-cli info', 'one program'],
  ],
  arguments: { min: 1, max: Number.POSITIVE_INFINITY },
  async run({ positionals, options, io }): Promise<ExitCode> {
    const host = await hostFor(options, io)
    const [typed = '', ...words] = positionals
    const [name = ''] = chooseServices(host.herd, [typed], false)
    const instance = instanceOn(host, name, instanceKind(options.instance))
    const containers = await anyContainers(host, instance)
    const main = containers.find(({ part }) => part === name) ?? containers[0]
    if (main?.state !== 'running')
      throw new UserError(`'${name}' does not run`, { hint: `see 'paddock ps ${name}'` })
    const program = words.length === 0 ? ['sh'] : words
    const terminal = io.stdin.isTTY === true && io.stdout.isTTY === true ? ['--tty'] : []
    const { code } = await host.docker.run(['exec', '--interactive', ...terminal, main.id, ...program], {
      stdio: 'inherit',
    })
    if (code !== null && NOT_THERE.includes(code)) {
      throw new UserError(
        `cannot run '${program.join(' ')}' in '${main.name}': the image has no such program`,
        {
          hint: 'a hardened image has no shell: name a program that it has',
        },
      )
    }
    return code === 0 ? 0 : 1
  },
})
