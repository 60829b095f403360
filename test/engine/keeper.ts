import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { UserError } from '../../src/lib/errors.ts'
import { setUp } from '../../tools/setup.ts'
import { runDocker } from './docker-client.ts'
import { type EngineName, isEngineName, type RunningEngine, startEngine } from './engines.ts'
import { type DebianImage, loadDebianImage, loadFixtureImage } from './images.ts'
import { makeRunFolder, removeRun, removeStaleRuns } from './run-folder.ts'

/*
 * The keeper owns the engines of one test run. Its parent (the test run, or a test file started by hand) holds
 * its standard input: when that closes, however the parent ended, the keeper stops and removes everything.
 * Test files ask for engines on its socket, one JSON document a line, and stay connected while they run; when
 * one goes, however it ended, the containers with its prefix are removed.
 */

export interface KeeperRequest {
  readonly id: number
  readonly engine: string
  /** One of the asking file's own, in place of that which all files share. */
  readonly own: boolean
  /** Also load this image into it. */
  readonly image?: DebianImage
}

/** An engine, and what the names of the asking file's containers begin with. */
export interface StartedEngine {
  readonly engine: RunningEngine
  readonly prefix: string
}

export type KeeperAnswer = { readonly id: number } & (
  { readonly started: StartedEngine } | { readonly error: string }
)

const run = await prepare()
/** By the name of their folder. */
const engines = new Map<string, Promise<RunningEngine>>()
const images = new Map<string, Promise<void>>()
let connections = 0

const server = createServer(serve)
server.listen(join(run, 'keeper.sock'), () => {
  process.stdout.write(`${join(run, 'keeper.sock')}\n`)
})

process.stdin.resume()
process.stdin.once('close', () => void end())
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void end())

async function prepare(): Promise<string> {
  try {
    setUp()
    await removeStaleRuns()
    return makeRunFolder()
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    console.error(`paddock: ${error.message}; ${error.hint ?? ''}`)
    process.exit(2)
  }
}

function serve(connection: Socket): void {
  connections++
  const prefix = `t${String(connections)}-`
  connection.on('error', () => connection.destroy())
  createInterface(connection).on('line', (line) => {
    void answer(line, prefix).then((reply) => connection.write(`${JSON.stringify(reply)}\n`))
  })
  connection.once('close', () => void removeContainers(prefix))
}

async function answer(line: string, prefix: string): Promise<KeeperAnswer> {
  const { id, engine, own, image } = JSON.parse(line) as KeeperRequest
  if (!isEngineName(engine)) return { id, error: `there is no test engine '${engine}'` }
  try {
    const folder = own ? `${engine}-${prefix.slice(0, -1)}` : engine
    const started = engines.get(folder) ?? start(engine, folder)
    engines.set(folder, started)
    if (image !== undefined) await load(await started, image)
    return { id, started: { engine: await started, prefix } }
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) }
  }
}

/** Once for each engine and tag; one after the other, for a build takes all cores. */
function load(engine: RunningEngine, image: DebianImage): Promise<void> {
  const key = `${engine.address} ${image.tag}`
  const earlier = images.get(key)
  if (earlier !== undefined) return earlier
  const loaded = Promise.allSettled(images.values()).then(() => loadDebianImage(engine, image))
  images.set(key, loaded)
  return loaded
}

async function start(name: EngineName, folder: string): Promise<RunningEngine> {
  const engine = await startEngine(run, name, folder)
  await loadFixtureImage(engine)
  return engine
}

async function removeContainers(prefix: string): Promise<void> {
  for (const started of engines.values()) {
    try {
      const { address } = await started
      const names = await runDocker(address, ['ps', '-aq', '--filter', `name=^/?${prefix}`])
      const ids = names.split('\n').filter((id) => id !== '')
      if (ids.length > 0) await runDocker(address, ['rm', '-fv', ...ids])
    } catch {
      // The engine never started, or is being stopped; what it had goes with the run.
    }
  }
}

async function end(): Promise<void> {
  server.close()
  await Promise.allSettled([...engines.values(), ...images.values()])
  await removeRun(run)
  process.exit(0)
}
