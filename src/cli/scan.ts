import { hostname } from 'node:os'
import { join } from 'node:path'
import { canaryIn, canaryOnOwnOverlay, type CanaryResult } from '../cow/canary.ts'
import { locateContainer } from '../cow/locate.ts'
import { connectEngine } from '../engine/connect.ts'
import type { EngineReader } from '../engine/reader.ts'
import { printable } from '../lib/printable.ts'
import { defineCommand, type ExitCode, shared } from './command.ts'
import { declaredPolicies } from './policy-path.ts'
import { jsonReport } from './scan/json-report.ts'
import type { ScanJob } from './scan/scan-container.ts'
import { scanContainers } from './scan/scan-containers.ts'
import { textReport } from './scan/text-report.ts'
import { writer } from './scan/write.ts'
import { styleFor } from './style.ts'

export const command = defineCommand({
  summary: 'what has each container changed that nobody expected?',
  usage: ['scan [NAME…] [--all] [--json]'],
  description: `
Compares each running container, or those named, with its read-only image, by reading its layer directory on the
host; nothing runs in the container. What policy expects is left out. Each scan proves that it sees: it makes
a change of its own, must find it, and takes it away.

Exit code: 0 nothing unexpected, 1 unexpected changes or an unseen canary, 2 something could not be scanned.`,
  options: {
    all: { type: 'boolean', help: 'show expected changes too, and rules that expected nothing' },
    hash: { type: 'boolean', help: 'show the SHA-256 of what is told, now and in the image' },
    canary: {
      type: 'string',
      value: 'NAME',
      help: 'prove it on this container, not on an overlay of its own',
    },
    json: shared.json,
    policy: shared.policy,
    engine: shared.engine,
  },
  examples: [
    ['paddock scan', 'unexpected changes of all running containers'],
    ['paddock scan web --all', 'every change of one, and the rule that expects it'],
    ["paddock scan --json | jq '.containers[].changes[].path'", 'for programs'],
  ],
  arguments: { min: 0, max: Number.POSITIVE_INFINITY },
  async run({ positionals, options, io }): Promise<ExitCode> {
    const startedAt = new Date()
    const started = performance.now()
    const declarations = declaredPolicies(options.policy, io.env)
    const engine = await connectEngine({ engine: options.engine, env: io.env })
    const stateDir = io.env['PADDOCK_STATE_DIR'] ?? '/var/lib/paddock'
    const job: ScanJob = {
      engine,
      declarations,
      all: options.all === true,
      hash: options.hash === true,
      stateDir,
      signal: io.signal,
      onBug: (error) => {
        for (const line of String((error as Error).stack).split('\n')) io.stderr.write(`${printable(line)}\n`)
      },
    }
    const output = options.json === true ? jsonReport() : textReport(styleFor(io.stdout, io.env))
    const out = writer(io.stdout)
    await out.write(output.begin({ host: hostname(), startedAt, engine: engine.kind }))
    const canary = await proveSight(options.canary, engine, stateDir)
    const ids = await chosen(engine, positionals)
    const outcomes = await scanContainers(ids, job, output, (text) => out.write(text))
    const failed = outcomes.some(({ failure }) => failure !== null)
    const found = outcomes.some(({ unexpected, unreadable }) => unexpected > 0 || unreadable > 0)
    const ok = canary.ok && !found && !failed
    await out.write(output.end({ canary, ok, outcomes, durationMs: Math.round(performance.now() - started) }))
    await out.flush()
    return failed ? 2 : ok ? 0 : 1
  },
})

async function proveSight(
  name: string | undefined,
  engine: EngineReader,
  stateDir: string,
): Promise<CanaryResult> {
  if (name === undefined) return canaryOnOwnOverlay(join(stateDir, 'canary'))
  const { layer } = await locateContainer(engine, await engine.container(name))
  return canaryIn(layer)
}

/** Names that are wrong are an error before anything is scanned. */
async function chosen(engine: EngineReader, names: readonly string[]): Promise<readonly string[]> {
  if (names.length === 0) return (await engine.containers({ all: false })).map(({ id }) => id)
  const named = await Promise.all(names.map((name) => engine.container(name)))
  return [...new Set(named.map(({ id }) => id))]
}
