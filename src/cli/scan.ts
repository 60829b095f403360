import { hostname } from 'node:os'
import { join } from 'node:path'
import { canaryIn, canaryOnOwnOverlay, type CanaryResult } from '../cow/canary.ts'
import { locateLayer } from '../cow/locate.ts'
import { connectEngine } from '../engine/connect.ts'
import type { Container, EngineReader } from '../engine/reader.ts'
import { UserError } from '../lib/errors.ts'
import { defineCommand, type ExitCode, type Io, shared } from './command.ts'
import { declaredPolicies } from './policy-path.ts'
import { jsonReport } from './scan/json-report.ts'
import { scanContainer, type ScanJob } from './scan/scan-container.ts'
import { textReport } from './scan/text-report.ts'
import type { ScanOutput } from './scan/output.ts'

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
    const kind = (await engine.info()).kind
    const job: ScanJob = {
      engine,
      declarations,
      all: options.all === true,
      hash: options.hash === true,
      signal: io.signal,
    }
    const output = (options.json === true ? jsonReport : textReport)(io)
    await output.begin({ host: hostname(), startedAt, engine: kind })
    const canary = await proveSight(options.canary, engine, io)
    const tally = await scanAll(await chosen(engine, positionals), job, output)
    const ok = canary.ok && !tally.found && !tally.failed
    await output.end({ canary, ok, durationMs: Math.round(performance.now() - started) })
    return tally.failed ? 2 : ok ? 0 : 1
  },
})

async function proveSight(name: string | undefined, engine: EngineReader, io: Io): Promise<CanaryResult> {
  if (name === undefined) {
    return canaryOnOwnOverlay(join(io.env['PADDOCK_STATE_DIR'] ?? '/var/lib/paddock', 'canary'))
  }
  return canaryIn(locateLayer(await engine.container(name)))
}

/** Names that are wrong are an error before anything is scanned. */
async function chosen(engine: EngineReader, names: readonly string[]): Promise<readonly string[]> {
  if (names.length === 0) return (await engine.containers({ all: false })).map(({ id }) => id)
  const named = await Promise.all(names.map((name) => engine.container(name)))
  return [...new Set(named.map(({ id }) => id))]
}

/** One after the other, so that a container's lines stay together and nothing has to be held back. */
async function scanAll(ids: readonly string[], job: ScanJob, output: ScanOutput) {
  const tally = { found: false, failed: false }
  const asked = ids.map((id) => job.engine.container(id).catch((error: unknown) => error))
  for (const answer of await Promise.all(asked)) {
    if (isGone(answer)) continue
    try {
      if (answer instanceof Error) throw answer
      const container = answer as Container
      await output.container(container)
      const scan = await scanContainer(container, job, (change) => output.change(change))
      await output.containerEnd(scan)
      if (scan.counts.unexpected > 0 || scan.unreadableCount > 0) tally.found = true
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      tally.failed = true
      await output.failure(answer instanceof Error ? null : (answer as Container), error)
    }
  }
  return tally
}

/** Removed between the list and the look: there is nothing left to scan. */
function isGone(answer: unknown): boolean {
  return answer instanceof UserError && answer.isMissing
}
