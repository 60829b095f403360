import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { EngineReader } from '../../engine/reader.ts'
import type { EngineWriter } from '../../engine/writer.ts'
import { UserError } from '../../lib/errors.ts'
import type { Io } from '../command.ts'

/** Where the demo plays: folders of its own, and `paddock` as a user would type it, with these folders. */
export interface Stage {
  readonly io: Io
  readonly engine: EngineReader
  readonly writer: EngineWriter
  /** Of its own, on a real disk, removed at the end. */
  readonly folder: string
  readonly herd: string
  readonly env: NodeJS.ProcessEnv
  /** What `paddock ARGUMENTS` printed and its exit code; shown with the line that a user would type. Ends when the demo is interrupted. */
  paddock(...args: readonly string[]): Promise<Ran>
  /** The same, shown to nobody, and whatever becomes of the demo. */
  ask(...args: readonly string[]): Promise<Ran>
  start(args: readonly string[]): ChildProcessByStdio<null, Readable, Readable>
  say(line: string): void
}

export interface Ran {
  readonly code: number | null
  readonly out: string
}

export function openStage(io: Io, engine: EngineReader, writer: EngineWriter): Stage {
  const folder = mkdtempSync('/var/tmp/paddock-demo-')
  // Watch, which is nobody, has to get to its own folder in it.
  chmodSync(folder, 0o711)
  const inside = (name: string) => join(folder, name)
  for (const name of ['state', 'run', 'config']) mkdirSync(inside(name), { mode: 0o755 })
  cpSync(sampleHerd(), inside('herd'), { recursive: true })
  const env = {
    ...io.env,
    PADDOCK_STATE_DIR: inside('state'),
    PADDOCK_RUN_DIR: inside('run'),
    PADDOCK_CONFIG_DIR: inside('config'),
    PADDOCK_HERD: inside('herd'),
    DOCKER_HOST: engine.address,
  }
  const program = process.argv[1] ?? ''
  const start = (args: readonly string[]) =>
    spawn(process.execPath, [program, ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C ends the demo, and the demo ends what it started, in its order.
      detached: true,
    })
  const outcome = async (child: ReturnType<typeof start>): Promise<Ran> => {
    const closed = once(child, 'close') as Promise<[number | null]>
    const out = await text(child.stdout)
    const [code] = await closed
    return { code, out }
  }
  return {
    io,
    engine,
    writer,
    folder,
    herd: inside('herd'),
    env,
    start,
    async paddock(...args) {
      io.signal.throwIfAborted()
      io.stdout.write(`$ paddock ${args.join(' ')}\n`)
      const child = start(args)
      const interrupt = () => child.kill('SIGTERM')
      io.signal.addEventListener('abort', interrupt)
      child.stderr.pipe(io.stderr, { end: false })
      const ran = await outcome(child)
      io.signal.removeEventListener('abort', interrupt)
      io.signal.throwIfAborted()
      io.stdout.write(ran.out)
      return ran
    },
    async ask(...args) {
      const child = start(args)
      child.stderr.resume()
      return outcome(child)
    },
    say: (line) => io.stdout.write(`\n== ${line}\n`),
  }
}

/** Takes away the folder. What ran is ended before. */
export function clearStage({ folder }: Stage): void {
  rmSync(folder, { recursive: true, force: true })
}

/** The services that come with the package: beside `dist`, or beside `src`. */
function sampleHerd(): string {
  const places = ['../herd', '../../../herd'].map((place) => fileURLToPath(new URL(place, import.meta.url)))
  const found = places.find((place) => existsSync(join(place, 'web/compose.yaml')))
  if (found === undefined) throw new UserError('cannot find the sample herd that comes with Paddock')
  return found
}
