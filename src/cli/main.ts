import { UserError } from '../lib/errors.ts'
import { nearest } from '../lib/nearest.ts'
import { printable } from '../lib/printable.ts'
import type { Command, ExitCode, Invocation, Io, Option } from './command.ts'
import { type CommandGroup, commands } from './commands.ts'
import { commandHelp, listHelp } from './help.ts'

// An `import` reads every export of it, and the lazy ones load what nobody here uses: 3 ms of every command.
const { parseArgs } = process.getBuiltinModule('node:util')

/**
 * Runs what was typed after `paddock`.
 * @returns the exit code; a `UserError` has been printed as one sentence, any other error is a bug and is thrown
 */
export async function main(argv: readonly string[], io: Io): Promise<ExitCode> {
  try {
    return await dispatch('paddock', { subcommands: commands }, argv, io)
  } catch (error) {
    if (io.signal.aborted && error === io.signal.reason) {
      io.stderr.write('paddock: interrupted\n')
      return 2
    }
    if (!(error instanceof UserError)) throw error
    const hint = error.hint === undefined ? '' : `; ${error.hint}`
    io.stderr.write(`paddock: ${printable(error.message)}${printable(hint)}\n`)
    if (io.env['PADDOCK_DEBUG'] === '1') io.stderr.write(`${error.stack ?? ''}\n${String(error.cause)}\n`)
    return 2
  }
}

async function dispatch(
  prefix: string,
  { subcommands: entries, fallback }: CommandGroup,
  argv: readonly string[],
  io: Io,
): Promise<ExitCode> {
  const [typed, ...others] = argv
  const isHelp = typed === '--help' || typed === '-h' || typed === 'help'
  const useFallback = fallback !== undefined && !isHelp && (typed?.startsWith('-') ?? true)
  const name = useFallback ? fallback : typed
  const rest = useFallback ? argv : others
  if (name === undefined || isHelp) {
    ;(name === undefined ? io.stderr : io.stdout).write(listHelp(prefix, entries, io.stdout.columns))
    return name === undefined ? 2 : 0
  }
  const entry = Object.hasOwn(entries, name) ? entries[name] : undefined
  if (entry === undefined) {
    const meant = nearest(name, Object.keys(entries))
    throw new UserError(`'${prefix} ${name}' is not a command`, {
      hint: meant === null ? `'${prefix} --help' lists them` : `type '${prefix} ${meant}'`,
    })
  }
  const loaded = await entry.load()
  if ('subcommands' in loaded) return dispatch(`${prefix} ${name}`, loaded, rest, io)
  return run(`${prefix} ${name}`, loaded.command, rest, io)
}

async function run(typed: string, command: Command, argv: readonly string[], io: Io): Promise<ExitCode> {
  const { values, positionals } = parse(typed, command, argv)
  if (values['help'] === true) {
    io.stdout.write(commandHelp(command, io.stdout.columns))
    return 0
  }
  const { min, max } = command.arguments
  if (positionals.length < min || positionals.length > max) {
    const problem = positionals.length < min ? 'needs more arguments' : 'takes fewer arguments'
    throw new UserError(`'${typed}' ${problem}: ${command.usage.join(' | ')}`, {
      hint: `see '${typed} --help'`,
    })
  }
  return command.run({ positionals, options: values, io })
}

function parse(typed: string, command: Command, argv: readonly string[]) {
  const help: Option = { type: 'boolean', short: 'h', help: 'show this' }
  const options = Object.fromEntries(
    Object.entries({ ...command.options, help }).map(([name, { type, multiple = false, short }]) => [
      name,
      { type, multiple, ...(short === undefined ? {} : { short }) },
    ]),
  )
  try {
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true })
    return { positionals, values: values as Invocation['options'] }
  } catch (error) {
    if (!(error instanceof TypeError) || !('code' in error)) throw error
    throw new UserError(`'${typed}': ${firstSentence(error.message)}`, { hint: `see '${typed} --help'` })
  }
}

function firstSentence(message: string): string {
  const sentence = message.split(/\. |\n/)[0] ?? message
  return sentence.charAt(0).toLowerCase() + sentence.slice(1)
}
