import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { connectEngine } from '../engine/connect.ts'
import type { Container, EngineReader } from '../engine/reader.ts'
import { parseDuration } from '../lib/duration.ts'
import { UserError } from '../lib/errors.ts'
import { compilePolicy, type Judge } from '../policy/judge.ts'
import { learn } from '../policy/learn.ts'
import { leftOutLines, learntLines, policyFile } from '../policy/learn/file.ts'
import type { Learnt } from '../policy/learn/seen.ts'
import { loadPolicies, policyOf } from '../policy/store.ts'
import { defineCommand, type Io, shared } from './command.ts'
import { observe, type Observation } from './learn/observe.ts'
import { declaredPolicies } from './policy-path.ts'

export const command = defineCommand({
  summary: 'write the policy of what a service does when all is well',
  usage: ['learn NAME [--for 10m] [--test COMMAND] [-o FILE] [--trust-programs] [--json]'],
  description: `
Watches a running container from outside while it does its normal work, and writes what it changed and which programs
ran in it as a policy, each line with what it was learnt from. Names that vary become patterns. A program or setuid
file that is not the image's is never learnt without --trust-programs, and what is grave is left to a person:
it stands in the file as a comment. Learn only while nobody is at work in it who should not be.

What the policy expects already is not learnt again: a second run only shows the difference, and leaves FILE alone.

Exit code: 0 learnt, or nothing new; 1 something was left out, or a second run found a difference; 2 it could not
learn.`,
  options: {
    for: { type: 'string', value: 'TIME', help: 'how long, like 30s, 10m, 2h; 10m when absent' },
    test: { type: 'string', value: 'COMMAND', help: 'run this meanwhile, by sh, and end when it ends' },
    output: { type: 'string', short: 'o', value: 'FILE', help: 'write the policy there; else it is printed' },
    'trust-programs': {
      type: 'boolean',
      help: 'learn programs and setuid files that are not in the image, too',
    },
    json: shared.json,
    policy: shared.policy,
    engine: shared.engine,
  },
  examples: [
    ['paddock learn web -o /etc/paddock/policy.d/web.yaml', 'ten minutes of normal work become its policy'],
    ["paddock learn db --for 5m --test './test-db'", 'while its test runs; printed'],
    ['paddock learn web --for 1h -o /etc/paddock/policy.d/web.yaml', 'again: what is new since?'],
  ],
  arguments: { min: 1, max: 1 },
  async run({ positionals: [name = ''], options, io }) {
    const forMs = parseDuration(options.for ?? '10m')
    const again = options.output !== undefined && existsSync(options.output)
    const engine = await connectEngine({ engine: options.engine, env: io.env })
    const container = await engine.container(name)
    const declarations = [
      ...declaredPolicies(options.policy, io.env),
      ...(again ? loadPolicies(options.output, { mustExist: true }) : []),
    ]
    const known = compilePolicy(
      policyOf(container, await imageLabels(engine, container), declarations).policy,
    )
    const started = Date.now()
    const observation = await watchWhile(engine, container, forMs, options.test, io)
    const learnt = learn(observation, { trustPrograms: options['trust-programs'] === true, known })
    const seconds = Math.round((Date.now() - started) / 1000)
    const { output } = options
    const report: Report = {
      container: container.name,
      seconds,
      observation,
      learnt,
      known,
      declared: declarations.length > 0,
    }
    if (output !== undefined && !again) await writeNew(output, fileOf(report))
    if (options.json === true) io.stdout.write(`${JSON.stringify(jsonOf(report))}\n`)
    else if (output === undefined && declarations.length === 0) io.stdout.write(fileOf(report))
    else io.stdout.write(summary(report, output, again))
    const isDifferent = learnt.expect.length + learnt.processes.length + learnt.execAllow.length > 0
    return learnt.leftOut.length > 0 || (again && isDifferent) ? 1 : 0
  },
})

interface Report {
  readonly container: string
  readonly seconds: number
  readonly observation: Observation
  readonly learnt: Learnt
  readonly known: Judge
  /** Whether there was a policy before. */
  readonly declared: boolean
}

/** Only a container with labels of ours needs to know which of them are its image's. */
async function imageLabels(engine: EngineReader, { labels, imageId }: Container) {
  const speaks = Object.keys(labels).some((name) => name.startsWith('paddock.'))
  return speaks ? (await engine.image(imageId)).labels : {}
}

/** For a time, or as long as a test runs; a first Ctrl-C ends it early, and what was seen until then is kept. */
async function watchWhile(
  engine: EngineReader,
  container: Container,
  forMs: number,
  test: string | undefined,
  io: Io,
): Promise<Observation> {
  const done = new AbortController()
  const end = AbortSignal.any([io.signal, done.signal])
  const timer = setTimeout(() => {
    done.abort()
  }, forMs)
  try {
    const tested = test === undefined ? null : runTest(test, engine, container, end, io)
    // Whatever becomes of it is told below: it must not count as unheard meanwhile.
    void tested
      ?.catch(() => undefined)
      .finally(() => {
        done.abort()
      })
    const observation = await observe(engine, container.id, end, new AbortController().signal)
    await tested
    return observation
  } finally {
    clearTimeout(timer)
    done.abort()
  }
}

async function runTest(
  test: string,
  { address }: EngineReader,
  { name }: Container,
  signal: AbortSignal,
  io: Io,
): Promise<void> {
  const child = spawn('sh', ['-c', test], {
    stdio: ['ignore', 2, 2],
    env: { ...io.env, DOCKER_HOST: address, PADDOCK_CONTAINER: name },
  })
  const stop = () => child.kill()
  signal.addEventListener('abort', stop)
  const [code] = (await once(child, 'close')) as [number | null]
  signal.removeEventListener('abort', stop)
  if (code === 0 || signal.aborted) return
  throw new UserError(`cannot learn from ${name}: the test failed with exit code ${String(code)}`, {
    hint: 'what a service does when all is well is learnt while its test passes',
  })
}

function fileOf({ container, seconds, observation, learnt }: Report): string {
  const partly = observation.sawEveryProgram
    ? []
    : ['The kernel did not tell of short-lived processes: some may be missing.']
  return policyFile(container, learnt, [
    `What ${container} did in ${seconds} seconds from ${new Date().toISOString().slice(0, 16)}, in ${observation.looks} looks: learnt by paddock learn.`,
    'Read it before you trust it: whatever was done in the container meanwhile is in it.',
    ...partly,
  ])
}

function summary(
  { container, learnt, known, seconds, declared }: Report,
  output: string | undefined,
  again: boolean,
): string {
  const { expect, processes, execAllow } = learnt
  const count = expect.length + processes.length + execAllow.length
  const unused = declared ? known.unusedRules() : []
  const wrote = `${count} lines of policy for ${container} written to ${output ?? ''}, learnt in ${seconds} s.`
  const nothing = `Nothing new in ${seconds} s: ${container} did what its policy expects.`
  const more = again || output === undefined
  return [
    ...(more ? [count === 0 ? nothing : `New in ${seconds} s, beyond the policy of ${container}:`] : [wrote]),
    ...(more ? learntLines(learnt) : []),
    ...leftOutLines(learnt),
    ...(more
      ? unused.map(
          ({ glob, source }) =>
            `# not seen this time: ${JSON.stringify(glob)} (${source.file}:${source.line})`,
        )
      : []),
    '',
  ].join('\n')
}

function jsonOf({ container, seconds, observation, learnt, known, declared }: Report): object {
  return {
    version: 1,
    container,
    seconds,
    looks: observation.looks,
    sawEveryProgram: observation.sawEveryProgram,
    ...learnt,
    unused: declared ? known.unusedRules().map(({ glob, source }) => ({ glob, ...source })) : [],
  }
}

/** A policy is root's, and nothing that exists is written over. */
async function writeNew(path: string, text: string): Promise<void> {
  try {
    const file = await open(path, 'wx', 0o644)
    try {
      await file.writeFile(text)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    throw new UserError(`cannot write the policy to ${path}: ${error.message}`, { cause: error })
  }
}
