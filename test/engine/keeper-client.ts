import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { EngineName } from './engines.ts'
import type { DebianImage } from './images.ts'
import type { KeeperAnswer, KeeperRequest, StartedEngine } from './keeper.ts'

/** The environment variable by which a test run tells its files where its keeper listens. */
export const keeperVariable = 'PADDOCK_TEST_KEEPER'

const waiting = new Map<number, (answer: KeeperAnswer) => void>()
let connected: Promise<Socket> | undefined
let asked = 0

/** Asks this run's keeper for an engine, with an image in it; outside a run, starts a keeper that lives as long as this process. */
export async function askForEngine(
  name: EngineName,
  own: boolean,
  image?: DebianImage,
): Promise<StartedEngine> {
  if (process.getuid?.() !== 0) throw new Error('tests with engines run as root: sudo npm test')
  connected ??= connect()
  const socket = await connected
  const request: KeeperRequest = { id: ++asked, engine: name, own, ...(image === undefined ? {} : { image }) }
  socket.ref()
  const answer = await new Promise<KeeperAnswer>((resolve) => {
    waiting.set(request.id, resolve)
    socket.write(`${JSON.stringify(request)}\n`)
  })
  if (waiting.size === 0) socket.unref()
  if ('error' in answer) throw new Error(answer.error)
  return answer.started
}

async function connect(): Promise<Socket> {
  const path = process.env[keeperVariable] ?? (await startKeeper()).socket
  const socket = createConnection(path)
  await once(socket, 'connect')
  createInterface(socket).on('line', (line) => {
    settle(JSON.parse(line) as KeeperAnswer)
  })
  socket.once('close', () => {
    for (const id of [...waiting.keys()]) settle({ id, error: 'the keeper of the test engines is gone' })
  })
  return socket
}

function settle(answer: KeeperAnswer): void {
  const resolve = waiting.get(answer.id)
  waiting.delete(answer.id)
  resolve?.(answer)
}

/**
 * Starts a keeper that stops all engines when this process ends, or when `stop` is called.
 * In a session of its own, so that Ctrl-C reaches it only by way of its parent's end.
 */
export async function startKeeper(): Promise<{ socket: string; stop: () => Promise<void> }> {
  const keeper = spawn(process.execPath, [join(import.meta.dirname, 'keeper.ts')], {
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const socket = await firstLine(keeper)
  for (const handle of [keeper, keeper.stdin, keeper.stdout] as { unref?: () => void }[]) handle.unref?.()
  const stop = async () => {
    const ended = once(keeper, 'exit')
    keeper.ref()
    keeper.stdin.end()
    await ended
  }
  return { socket, stop }
}

async function firstLine(keeper: ChildProcess): Promise<string> {
  if (keeper.stdout === null) throw new Error('the keeper has no standard output')
  const failed = once(keeper, 'exit').then(() => null)
  const line = await Promise.race([once(keeper.stdout, 'data') as Promise<[Buffer]>, failed])
  if (line === null)
    throw new Error('the keeper of the test engines did not start; it said why on standard error')
  return line[0].toString().trim()
}
