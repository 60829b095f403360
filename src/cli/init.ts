import { herdPath } from '../services/herd.ts'
import { initService } from '../services/init.ts'
import { defineCommand, type ExitCode } from './command.ts'
import { serviceOptions } from './services/options.ts'
import { printable } from '../lib/printable.ts'

export const command = defineCommand({
  summary: 'begin a service: a folder that builds, passes its test and is hardened',
  usage: ['init NAME [--from TEMPLATE]'],
  description: `
Makes a folder in the herd with compose.yaml, Dockerfile, files/ and test. A template is a service of the sample herd
(web, redis, api) or the path of any service's folder; without one it is a site of static files.

Exit code: 0 made, 2 it could not be.`,
  options: {
    herd: serviceOptions.herd,
    from: { type: 'string', value: 'TEMPLATE', help: 'what to begin with: web, redis, api, or a path' },
    json: serviceOptions.json,
  },
  examples: [
    ['paddock init site', 'herd/site'],
    ['paddock init cache --from redis', 'the sample redis under another name'],
  ],
  arguments: { min: 1, max: 1 },
  run({ positionals: [name = ''], options, io }): Promise<ExitCode> {
    const folder = initService(herdPath(options.herd, io.env), name, options.from ?? null)
    io.stdout.write(
      options.json === true
        ? `${JSON.stringify({ version: 1, service: name, folder })}\n`
        : `${printable(folder)}\nNext: paddock build ${name} && paddock test ${name} && paddock promote ${name} && paddock up ${name}\n`,
    )
    return Promise.resolve(0)
  },
})
