import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { keeperVariable, startKeeper } from '../test/engine/keeper-client.ts'

/*
 * `npm test`: Node's own runner over every test file, or over the files and flags given, with one set of engines
 * for all of them. Its closing summary is the last thing on standard output; its exit code is passed on.
 */

const everything = ['src/**/*.test.ts', 'test/**/*.test.ts']
const given = process.argv.slice(2)
const named = given.some((argument) => !argument.startsWith('-'))

const keeper = await startKeeper()
const runner = spawn(
  process.execPath,
  // Two files side by side: most of them wait for an engine, and the smallest machine has two cores.
  ['--test', '--test-concurrency=2', '--test-reporter=spec', ...given, ...(named ? [] : everything)],
  { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, [keeperVariable]: keeper.socket } },
)
// The runner, in the same process group, gets these too and ends; only then are its engines stopped.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => runner.kill(signal))
const [code, signal] = (await once(runner, 'exit')) as [number | null, NodeJS.Signals | null]
await keeper.stop()
process.exitCode = code ?? 128 + constants.signals[signal ?? 'SIGTERM']
