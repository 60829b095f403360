import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Answers } from '../../src/protocol/answers.ts'
import { decodeMessage, encodeRequest, lineSplitter } from '../../src/protocol/codec.ts'
import type { Finding } from '../../src/protocol/findings.ts'
import type { Request } from '../../src/protocol/requests.ts'

/** The published `dist/sensor.js`, and who receives its findings in watch's place. */
export interface RunningSensor {
  readonly pid: number
  /** From the start of the program until all containers were marked and swept, and the self-test was made. */
  readonly readyMs: number
  /** With when each arrived here, in nanoseconds of CLOCK_MONOTONIC: after it was spooled, synced and sent. */
  readonly findings: readonly { readonly finding: Finding; readonly atNs: bigint }[]
  readonly ask: <T extends Exclude<Request['type'], 'subscribe' | 'ack'>>(
    type: T,
    more: Omit<Extract<Request, { type: T }>, 'type' | 'id'>,
  ) => Promise<Answers[T]>
  /** Waits until it has used no processor time worth naming for half a second. */
  quiet(): Promise<void>
  stop(): Promise<void>
}

export interface SensorStart {
  readonly address: string
  readonly exec?: 'alert' | 'deny'
  /** Globs that policy expects in every container. */
  readonly expect?: readonly string[]
}

const program = join(import.meta.dirname, '../../dist/sensor.js')
const QUIET_NS = 10_000_000

export async function startSensorProgram({
  address,
  exec = 'alert',
  expect = ['/expected/**', '/expected', '/expected-large'],
}: SensorStart): Promise<RunningSensor> {
  const folder = mkdtempSync('/var/tmp/paddock-bench-sensor-')
  mkdirSync(join(folder, 'policy'))
  const rules = expect.map((glob) => `  - ${JSON.stringify(glob)}\n`).join('')
  writeFileSync(join(folder, 'policy/bench.yaml'), `match: { container: "*" }\nexpect:\n${rules}`)
  const started = performance.now()
  const child = spawn(
    process.execPath,
    [program, `--engine=${address}`, `--policy=${join(folder, 'policy')}`, `--exec=${exec}`, '--group=0'],
    {
      env: { ...process.env, PADDOCK_STATE_DIR: join(folder, 'state'), PADDOCK_RUN_DIR: join(folder, 'run') },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  await saidReady(child)
  const readyMs = performance.now() - started
  const { pid = 0 } = child
  const client = await receive(join(folder, 'run/sensor.sock'))
  return {
    pid,
    readyMs,
    findings: client.findings,
    ask: (type, more) => client.ask(type, more) as Promise<Answers[typeof type]>,
    async quiet() {
      for (let before = cpuNs(pid); ;) {
        await sleep(500)
        const after = cpuNs(pid)
        if (after - before < QUIET_NS) return
        before = after
      }
    },
    async stop() {
      const closed = once(child, 'close')
      client.socket.destroy()
      child.kill('SIGTERM')
      await closed
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function saidReady(child: ChildProcess): Promise<void> {
  if (child.stderr === null) throw new Error('the sensor has no standard error')
  const lines: string[] = []
  for await (const line of createInterface(child.stderr)) {
    lines.push(line)
    if (!line.includes('ready: ')) continue
    child.stderr.resume()
    if (line.includes('FAILED')) throw new Error(line)
    return
  }
  throw new Error(`the sensor did not get ready: ${lines.join('\n')}`)
}

/** Takes and acknowledges findings, as watch does. */
async function receive(path: string) {
  const socket: Socket = connect(path)
  await once(socket, 'connect')
  const findings: { finding: Finding; atNs: bigint }[] = []
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  const split = lineSplitter()
  let asked = 0
  let acked = 0

  function send(body: object): number {
    asked += 1
    socket.write(encodeRequest({ ...body, id: asked } as Request))
    return asked
  }
  socket.on('data', (chunk: Buffer) => {
    const atNs = process.hrtime.bigint()
    for (const line of split(chunk).lines) {
      const decoded = decodeMessage(line)
      if (!decoded.ok) throw new Error(`the sensor said ${line.toString().slice(0, 200)}`)
      const message = decoded.value
      if (message.type === 'finding') findings.push({ finding: message.finding, atNs })
      if (message.type === 'closing') throw new Error(`the sensor closed the connection: ${message.detail}`)
      if (message.type === 'answer') waiting.get(message.id)?.resolve(message.value)
      if (message.type === 'failed') waiting.get(message.id)?.reject(new Error(message.detail))
    }
    const last = findings.at(-1)?.finding.number ?? 0
    if (last > acked + 100) send({ type: 'ack', number: (acked = last) })
  })
  socket.on('error', () => socket.destroy())
  send({ type: 'subscribe', from: 1, mode: 'receive' })
  return {
    socket,
    findings,
    ask(type: string, more: object): Promise<unknown> {
      const answer = Promise.withResolvers<unknown>()
      waiting.set(send({ type, ...more }), answer)
      return answer.promise
    },
  }
}

/** Processor time that a process has used, all threads, in nanoseconds; of those that live. */
export function cpuNs(pid: number): number {
  let sum = 0
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      sum += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0])
    } catch {
      // It ended.
    }
  }
  return sum
}

/** Now, and at most ever, in MiB. */
export function memoryMiB(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  const of = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN) / 1024
  return { now: of('VmRSS'), peak: of('VmHWM') }
}
