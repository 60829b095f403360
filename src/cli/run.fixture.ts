import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { ExitCode } from './command.ts'
import { main } from './main.ts'

export interface Run {
  readonly code: ExitCode
  readonly out: string
  readonly err: string
}

/** Runs `paddock …` in this process, without a terminal. */
export async function runPaddock(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Run> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  stdin.end()
  const texts = Promise.all([text(stdout), text(stderr)])
  const signal = new AbortController().signal
  const code = await main(args, { stdin, stdout, stderr, env: { ...process.env, ...env }, signal })
  stdout.end()
  stderr.end()
  const [out, err] = await texts
  return { code, out, err }
}
