import { setTimeout as sleep } from 'node:timers/promises'
import type { EngineReader } from '../engine/reader.ts'
import type { EngineWriter } from '../engine/writer.ts'
import type { ImageConfig } from './image-config.ts'
import { type Observed, traceContainer, type Trace } from './trace.ts'
import { askPort, commandInNetwork, type Said } from './test/network.ts'
import { listeningPorts } from './test/listening.ts'

/** How an image is tried. */
export interface ImageTest {
  /** Shell commands, run on the host in the container's network; none: its health check and a request to each port. */
  readonly commands: readonly string[]
  /** Where they run. */
  readonly folder: string
  /** "NAME=value", for the container. */
  readonly env: readonly string[]
  /** For a service that is known to be quicker; the usual when absent. */
  readonly patience?: Patience
}

export interface Patience {
  /** Until it listens on its ports. */
  readonly readyMs: number
  /** For as long what fails is tried again: a service may listen before it can answer. */
  readonly answerMs: number
}

export interface TestRun {
  readonly ok: boolean
  /** What was tried, and how it went: "health check: exit code 1: …". */
  readonly steps: readonly { readonly what: string; readonly ok: boolean; readonly said: string }[]
  /** Null where it was not traced. */
  readonly observed: Observed | null
  /** The longest that it took to be ready, and to pass one of the steps. */
  readonly took: Patience
}

interface Context {
  readonly engine: EngineReader
  readonly writer: EngineWriter
  readonly signal: AbortSignal
}

const USUAL_PATIENCE: Patience = { readyMs: 30_000, answerMs: 8000 }
const SETTLE_MS = 1500
/** Of a service, far more than it has; of a hostile image, no fork bomb. */
const MOST_PROCESSES = 4096
const CHECK_MS = 30_000
const MOST_PORTS = 32
const STOP_SECONDS = 10

/**
 * Starts a container of an image without a network but its own loopback, tries it, stops it as the engine would, and
 * removes it. Each command gets a container of its own, traced or not.
 */
export async function testImage(
  context: Context,
  image: string,
  config: ImageConfig,
  test: ImageTest,
  traced: boolean,
): Promise<TestRun> {
  const runs: TestRun[] = []
  for (const command of test.commands.length === 0 ? [null] : test.commands)
    runs.push(await testOnce(context, image, config, { ...test, command }, traced))
  return {
    ok: runs.every(({ ok }) => ok),
    steps: runs.flatMap(({ steps }) => steps),
    observed: addUp(runs),
    took: {
      readyMs: Math.max(...runs.map(({ took }) => took.readyMs)),
      answerMs: Math.max(...runs.map(({ took }) => took.answerMs)),
    },
  }
}

function addUp(runs: readonly TestRun[]): Observed | null {
  const all = runs.flatMap(({ observed }) => (observed === null ? [] : [observed]))
  if (all.length === 0) return null
  const union = <T>(pick: (one: Observed) => ReadonlySet<T>) => new Set(all.flatMap((one) => [...pick(one)]))
  return {
    used: union(({ used }) => used),
    made: union(({ made }) => made),
    missing: union(({ missing }) => missing),
    users: union(({ users }) => users),
    groups: union(({ groups }) => groups),
    complete: all.every(({ complete }) => complete),
  }
}

async function testOnce(
  { engine, writer, signal }: Context,
  image: string,
  config: ImageConfig,
  test: ImageTest & { readonly command: string | null },
  traced: boolean,
): Promise<TestRun> {
  const id = await writer.createContainer({
    image,
    command: [],
    labels: { 'paddock.harden': 'test' },
    env: test.env,
    mostProcesses: MOST_PROCESSES,
  })
  const { patience = USUAL_PATIENCE } = test
  const took = { readyMs: 0, answerMs: 0 }
  const timed = async <T>(key: keyof Patience, work: Promise<T>): Promise<T> => {
    const started = performance.now()
    const done = await work
    took[key] = Math.max(took[key], performance.now() - started)
    return done
  }
  let trace: Trace | null = null
  const steps: TestRun['steps'][number][] = []
  try {
    const start = () => writer.startContainer(id)
    if (traced) trace = await traceContainer(id, start)
    else await start()
    const pid = await timed('readyMs', ready(engine, id, config, patience.readyMs, signal))
    if (pid === null) steps.push(await ended(writer, id, test.command))
    else {
      if (config.healthCheck !== null)
        steps.push(await timed('answerMs', healthCheck(writer, id, config, patience.answerMs)))
      if (test.command !== null)
        steps.push(
          await timed(
            'answerMs',
            command(engine, id, pid, config, { ...test, command: test.command }, signal),
          ),
        )
      else for (const port of tcpPorts(config)) steps.push(await request(pid, port, signal))
      steps.push(await stopped(engine, writer, id))
    }
  } catch (error) {
    // What cannot even start: the engine says why.
    if (traced || signal.aborted || !(error instanceof Error)) throw error
    steps.push({ what: 'start', ok: false, said: error.message })
  } finally {
    await writer.removeContainer(id)
  }
  const observed = trace === null ? null : await trace.end()
  return { ok: steps.every(({ ok }) => ok), steps, observed, took }
}

/** Its process id once it listens on all its ports, or has had time to; null when it has ended by itself. */
async function ready(
  engine: EngineReader,
  id: string,
  config: ImageConfig,
  patienceMs: number,
  signal: AbortSignal,
): Promise<number | null> {
  const wanted = tcpPorts(config)
  const started = performance.now()
  for (;;) {
    signal.throwIfAborted()
    const { state, pid } = await engine.container(id)
    if (state !== 'running' || pid === 0) return null
    const listening = listeningPorts(pid)
    const elapsed = performance.now() - started
    if (wanted.length > 0 && wanted.every((port) => listening.has(port))) return pid
    if (wanted.length === 0 && elapsed > SETTLE_MS) return pid
    if (elapsed > patienceMs) return pid
    await sleep(100)
  }
}

function tcpPorts({ exposedPorts }: ImageConfig): number[] {
  return exposedPorts
    .flatMap((text) => (/^\d{1,5}(\/tcp)?$/.test(text) ? [Number.parseInt(text, 10)] : []))
    .slice(0, MOST_PORTS)
}

/** An image that does its work and ends is well when it ends well. */
async function ended(writer: EngineWriter, id: string, command: string | null) {
  const code = await writer.exitCode(id)
  const ok = code === 0 && command === null
  const early = command === null ? '' : ', before it could be tested'
  return {
    what: 'run to its end',
    ok,
    said: `exit code ${code}${early}${ok ? '' : `: ${await lastWords(writer, id)}`}`,
  }
}

async function healthCheck(
  writer: EngineWriter,
  id: string,
  { healthCheck: check, shell }: ImageConfig,
  patienceMs: number,
) {
  const test = check ?? []
  const argv =
    test[0] === 'CMD-SHELL'
      ? [...(shell.length === 0 ? ['/bin/sh', '-c'] : shell), test[1] ?? '']
      : test.slice(1)
  const until = performance.now() + patienceMs
  for (;;) {
    const running = writer.run(id, argv).catch((error: unknown) => ({
      exitCode: -1,
      output: Buffer.from(error instanceof Error ? error.message : String(error)),
    }))
    const late = { exitCode: -1, output: Buffer.from(`it did not end within ${CHECK_MS / 1000} s`) }
    // What goes on running goes with its container.
    const ran = await Promise.race([running, sleep(CHECK_MS, late, { ref: false })])
    const said = `exit code ${ran.exitCode}${ran.exitCode === 0 ? '' : `: ${excerpt(ran.output)}`}`
    if (ran.exitCode === 0 || performance.now() > until)
      return { what: 'health check', ok: ran.exitCode === 0, said }
    await sleep(500)
  }
}

async function command(
  engine: EngineReader,
  id: string,
  pid: number,
  config: ImageConfig,
  { command: text, folder, patience = USUAL_PATIENCE }: ImageTest & { readonly command: string },
  signal: AbortSignal,
) {
  const env = {
    PADDOCK_CONTAINER: id,
    PADDOCK_INSTANCE: 'test',
    PADDOCK_ADDR: '127.0.0.1',
    DOCKER_HOST: engine.address,
    ...Object.fromEntries(tcpPorts(config).map((port) => [`PADDOCK_PORT_${port}`, String(port)])),
  }
  const until = performance.now() + patience.answerMs
  for (;;) {
    const said: Said = await commandInNetwork(pid, text, folder, env, signal)
    const { pid: now } = await engine.container(id)
    if (said.ok || now !== pid || performance.now() > until)
      return { what: `test: ${text}`, ok: said.ok, said: said.text }
    await sleep(500)
  }
}

async function request(pid: number, port: number, signal: AbortSignal) {
  const said = await askPort(pid, port, signal)
  return { what: `request to port ${port}`, ok: said.ok, said: said.text }
}

/** What is read only on the way out is needed too. Killed in the end is no failure: the original may be no better. */
async function stopped(engine: EngineReader, writer: EngineWriter, id: string) {
  const { state } = await engine.container(id)
  if (state !== 'running')
    return {
      what: 'stay up',
      ok: false,
      said: `it ended with exit code ${await writer.exitCode(id)}: ${await lastWords(writer, id)}`,
    }
  await writer.stopContainer(id, STOP_SECONDS)
  return { what: 'stop', ok: true, said: `exit code ${await writer.exitCode(id)}` }
}

async function lastWords(writer: EngineWriter, id: string): Promise<string> {
  return excerpt(await writer.logs(id).catch(() => Buffer.alloc(0)))
}

function excerpt(output: Buffer): string {
  return output
    .toString('utf8')
    .replace(/[^\P{Cc}\n]/gu, '')
    .trim()
    .slice(-400)
}
