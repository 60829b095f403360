import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../lib/errors.ts'
import { printable } from '../lib/printable.ts'
import type { Service } from './declaration.ts'
import { type Host, instanceOn, stateOf, withNeeds } from './host.ts'
import type { Instance } from './instance.ts'
import { sameImages, shortId } from './release.ts'
import { imageIds, ownImages } from './own-images.ts'
import { readRecord, writeRecord } from './record.ts'
import { lastLines, start } from './start.ts'
import { endTestRun, recordTestRun, undisturbed } from './test-cleanup.ts'
import { testEnvironment } from './test-environment.ts'
import { runTestProcess, type TestExit } from './test-process.ts'
import { inWaves, waves } from './waves.ts'

/** Which images passed their test, and when. */
export interface Tested {
  readonly images: Readonly<Record<string, string>>
  readonly at: string
}

export interface TestResult {
  readonly ok: boolean
  readonly images: Readonly<Record<string, string>>
  /** Why it failed; null where it passed. */
  readonly reason: string | null
  /** Where its output and the containers' logs are kept; null where it passed. */
  readonly logs: string | null
  readonly durationMs: number
}

const LOG_LINES = 5000

export interface TestOptions {
  /** Watches the instance from before its first container until its test ended; it is taken down after that. Never rejects. */
  readonly learn?: (instance: Instance, ends: AbortSignal) => Promise<void>
}

/**
 * Tests what `:latest` is: starts an instance of its own, with all that it needs and with scratch data, waits until it is
 * healthy, runs the service's `test`, and takes all of it down again, whatever happened. One that is learnt from may write
 * what production may not: its pass is not remembered.
 */
export async function runTest(host: Host, service: Service, options: TestOptions = {}): Promise<TestResult> {
  const started = performance.now()
  const run = `test-${randomBytes(4).toString('hex')}`
  const services = withNeeds(host, [service.name])
  recordTestRun(
    host,
    service.name,
    run,
    services.map(({ name }) => name),
  )
  const ends = new AbortController()
  const learning = options.learn?.(instanceOn(host, service.name, 'test', run), ends.signal)
  const output: string[] = []
  let failure: string | null
  let images: Readonly<Record<string, string>> = {}
  try {
    images = await startAll(host, services, { run, learns: learning !== undefined })
    const exit = await execute(host, service, run, output)
    failure = reasonOf(exit)
    failure ??= await movedOn(host, images)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    failure = error.hint === undefined ? error.message : `${error.message}; ${error.hint}`
  } finally {
    ends.abort()
    await learning
    host.tell(service.name, 'taking the test instance down')
  }
  const logs =
    failure === null ? null : await keepLogs(undisturbed(host), services, service.name, run, output)
  await endTestRun(undisturbed(host), service.name)
  if (failure === null && learning === undefined)
    writeRecord(testedPath(host, service.name), { images, at: new Date().toISOString() } satisfies Tested)
  const durationMs = Math.round(performance.now() - started)
  return { ok: failure === null, images, reason: failure, logs, durationMs }
}

/** @returns the ids of the service's own images, the last of `services` */
async function startAll(
  host: Host,
  services: readonly Service[],
  { run, learns }: { run: string; learns: boolean },
): Promise<TestResult['images']> {
  const own: Record<string, string> = {}
  const outcomes = await inWaves(waves(services), async (one) => {
    const instance = instanceOn(host, one.name, 'test', run)
    const isTested = one === services.at(-1)
    const { prepared } = await start(host, one, instance, { run, learns: learns && isTested })
    if (isTested) Object.assign(own, await imageIds(host, ownImages(prepared.model), instance.tag))
  })
  for (const outcome of outcomes) if ('error' in outcome) throw outcome.error
  return own
}

async function execute(host: Host, service: Service, run: string, output: string[]): Promise<TestExit> {
  const instance = instanceOn(host, service.name, 'test', run)
  const temporary = join(instance.dataDir, '.tmp')
  mkdirSync(temporary, { recursive: true, mode: 0o700 })
  host.tell(service.name, 'testing')
  return runTestProcess(instance.project, {
    path: join(service.dir, 'test'),
    cwd: service.dir,
    env: { ...(await testEnvironment(host, service, instance)), TMPDIR: temporary },
    timeoutMs: service.settings.test.timeoutMs,
    trouble: () => diskTrouble(instance.dataDir, service.settings.test.diskBytes),
    onLine: (line) => {
      output.push(line)
      if (output.length > LOG_LINES) output.shift()
      host.tell(service.name, `| ${printable(line)}`)
    },
    signal: host.signal,
  })
}

function reasonOf({ code, reason }: TestExit): string | null {
  if (reason !== null) return `the test failed: ${reason}`
  return code === 0 ? null : `the test failed: it ended with ${code === null ? 'a signal' : `code ${code}`}`
}

/** Another build during the test: what passed is not what `:latest` names now. */
async function movedOn(host: Host, images: TestResult['images']): Promise<string | null> {
  const now = await imageIds(host, Object.keys(images), 'latest')
  return sameImages(images, now) ? null : 'the image was built anew while it was tested'
}

const LEAST_FREE_BYTES = 200 * 2 ** 20

async function diskTrouble(folder: string, mostBytes: number): Promise<string | null> {
  const used = await diskUse(folder)
  if (used > mostBytes)
    return `it wrote ${used} bytes to its scratch folders, and may write ${mostBytes} (x-paddock: test: disk)`
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize < LEAST_FREE_BYTES
    ? `it left less than ${LEAST_FREE_BYTES} bytes free on the disk of ${folder}`
    : null
}

/** Bytes on the disk; what goes away while it is counted is no error. */
function diskUse(folder: string): Promise<number> {
  return new Promise((resolve) => {
    execFile('du', ['-sx', '--block-size=1', '--', folder], { timeout: 30_000 }, (_error, stdout) => {
      resolve(Number.parseInt(stdout) || 0)
    })
  })
}

async function keepLogs(
  host: Host,
  services: readonly Service[],
  name: string,
  run: string,
  output: readonly string[],
): Promise<string> {
  const folder = join(stateOf(host, name), 'logs', run)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileSync(join(folder, 'test.log'), `${output.join('\n')}\n`, { mode: 0o600 })
  for (const one of services) {
    const lines = await lastLines(host, instanceOn(host, one.name, 'test', run), LOG_LINES)
    writeFileSync(join(folder, `${one.name}.log`), `${lines.join('\n')}\n`, { mode: 0o600 })
  }
  return folder
}

function testedPath(host: Host, service: string): string {
  return join(stateOf(host, service), 'tested.json')
}

function isTested(value: unknown): value is Tested {
  return typeof value === 'object' && value !== null && 'images' in value && typeof value.images === 'object'
}

/** @throws UserError unless the test passed for these very images */
export function refuseUntested(host: Host, service: string, images: TestResult['images']): void {
  const tested = readRecord(testedPath(host, service), isTested)
  if (tested !== null && sameImages(tested.images, images)) return
  const ids = Object.values(images).map(shortId).join(', ')
  throw new UserError(
    `cannot promote '${service}': ${tested === null ? 'its test never passed' : `its test did not pass for the image ${ids}`}`,
    { hint: `test it: paddock test ${service}` },
  )
}
