import { writeFileSync } from 'node:fs'
import { connectEngine } from '../engine/connect.ts'
import { harden } from '../harden/harden.ts'
import { reportFile } from '../harden/report.ts'
import { hardenJson, verifyJson } from '../harden/report/json.ts'
import { hardenText, verifyText } from '../harden/report/text.ts'
import { rules } from '../harden/rules/table.ts'
import { verify } from '../harden/verify.ts'
import { UserError } from '../lib/errors.ts'
import { defineCommand, type ExitCode, type Io, shared } from './command.ts'

export const command = defineCommand({
  summary: 'an image with nothing in it that the service does not need',
  usage: [
    'harden IMAGE -t NEW [--trace] [--test CMD]… [--heal] [--keep GLOB]… [--without RULE]… [--report FILE.html] [--json]',
    'harden --verify IMAGE [--keep GLOB]… [--without RULE]… [--json]',
  ],
  description: `
Makes a stripped image of any image: one layer, the same configuration, and of the files only what no rule takes
away. What the entrypoint, the command and the health check start stays, with its libraries, interpreters and
links. The image is read as a stream and never unpacked onto the host; the same image gives the same digest.

--test CMD runs a shell command of yours on the host, in the new container's own closed network: its services are at
127.0.0.1 and their own ports. Only an image that passes gets the new name; what it missed is told with the --keep that
mends it, and --heal does that by itself. --trace first runs the test on the old image, watched from outside from its
first instruction, and keeps only what was used. Without --test it asks the health check and each port.

--verify changes nothing and tells what the rules would still do to an image.

Rules: ${rules.map(({ id, byDefault }) => (byDefault ? id : `${id} (off by default)`)).join(', ')}.

Exit code: 0 hardened, or nothing found; 1 the test failed, or --verify found something; 2 it could not be done.`,
  options: {
    tag: { type: 'string', short: 't', value: 'NEW', help: 'what the new image is called' },
    verify: { type: 'boolean', help: 'hold IMAGE against the rules, and change nothing' },
    trace: { type: 'boolean', help: 'keep only what a traced run of the test uses' },
    test: {
      type: 'string',
      multiple: true,
      value: 'CMD',
      help: 'try the image by this command; again for more, each on a container of its own',
    },
    heal: { type: 'boolean', help: 'keep what the test misses, and try again' },
    env: { type: 'string', multiple: true, value: 'NAME=VALUE', help: 'for the containers that are tried' },
    keep: {
      type: 'string',
      multiple: true,
      value: 'GLOB',
      help: 'leave this as it is, with what it needs; again for more',
    },
    without: { type: 'string', multiple: true, value: 'RULE', help: 'leave a rule out; again for more' },
    with: { type: 'string', multiple: true, value: 'RULE', help: 'add a rule that is off by default' },
    report: {
      type: 'string',
      value: 'FILE',
      help: 'write before and after for people: .html is one page, .md is Markdown',
    },
    sbom: { type: 'string', value: 'FILE', help: 'write the packages that remain, as CycloneDX 1.5 JSON' },
    json: shared.json,
    engine: shared.engine,
  },
  examples: [
    ['paddock harden web:1 -t web:hardened --report web.html', 'strips by rules, and shows what went'],
    [
      "paddock harden web:1 -t web:hardened --trace --test 'curl -fsS http://127.0.0.1/'",
      'keeps only what answering needs',
    ],
    ["paddock harden web:1 -t web:hardened --keep '/usr/bin/curl'", 'keeps a tool with its libraries'],
    ['paddock harden --verify web:hardened', 'for CI: exit code 1 where the rules find something'],
  ],
  arguments: { min: 1, max: 1 },
  async run({ positionals, options, io }): Promise<ExitCode> {
    const [image = ''] = positionals
    const choice = {
      image,
      keep: options.keep ?? [],
      without: options.without ?? [],
      with: options.with ?? [],
      signal: io.signal,
    }
    if (options.verify === true) {
      if (options.tag !== undefined)
        throw new UserError('--verify makes no image, so there is nothing to name with -t')
      const engine = await connectEngine({ engine: options.engine, env: io.env })
      const result = await verify(engine, choice)
      io.stdout.write(options.json === true ? verifyJson(result) : verifyText(result))
      return result.ok ? 0 : 1
    }
    if (options.tag === undefined)
      throw new UserError("'paddock harden' needs a name for the new image", {
        hint: `paddock harden ${image} -t ${image.split(':')[0] ?? image}:hardened`,
      })
    const engine = await connectEngine({ engine: options.engine, env: io.env })
    const trace = options.trace === true
    const commands = options.test ?? []
    const tried = trace || commands.length > 0 || options.heal === true
    const test = tried ? { test: { commands, folder: process.cwd(), env: options.env ?? [] } } : {}
    const work = { tag: options.tag, trace, ...test, heal: options.heal === true, progress: progressTo(io) }
    const result = await harden(engine, { ...choice, ...work })
    if (options.report !== undefined) write(options.report, reportFile(options.report, result))
    if (options.sbom !== undefined) write(options.sbom, `${JSON.stringify(result.sbom, null, 2)}\n`)
    io.stdout.write(options.json === true ? hardenJson(result) : hardenText(result))
    return result.ok ? 0 : 1
  },
})

function progressTo({ stderr }: Io): (line: string) => void {
  return (line) => {
    if (stderr.isTTY === true) stderr.write(`paddock: ${line} …\n`)
  }
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text)
  } catch (error) {
    throw new UserError(`cannot write ${path}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}
