import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** A program of `dist/` at work, as it is installed, with folders of its own. */
export interface Running extends AsyncDisposable {
  readonly folder: string
  readonly url: string
  /** Process id of watch itself. */
  readonly pid: number
  /** A page as a browser is answered; with the token that may act. */
  page(path: string): Promise<Response>
  /** The API's answer. */
  api<T>(path: string, body?: object): Promise<T>
}

export interface RunningFolders {
  readonly folder: string
  readonly state: string
  readonly run: string
  readonly config: string
}

/** On a disk: what is measured syncs. */
export function benchFolders(config = ''): RunningFolders {
  const folder = mkdtempSync('/var/tmp/paddock-bench-')
  const at = (name: string) => join(folder, name)
  // Watch runs as nobody under `paddock watch`, and must get through.
  chmodSync(folder, 0o755)
  for (const name of ['state', 'run', 'config']) mkdirSync(at(name))
  writeFileSync(join(at('config'), 'watch.yaml'), config)
  process.once('exit', () => {
    rmSync(folder, { recursive: true, force: true })
  })
  return { folder, state: at('state'), run: at('run'), config: at('config') }
}

export function buildPrograms(): void {
  execFileSync(process.execPath, ['tools/build.ts'], { stdio: 'ignore' })
}

/** @param argv of a program that prints "paddock-watch: URL" once it serves: `watch.js`, or `paddock.js watch` */
export async function startProgram(argv: readonly string[], folders: RunningFolders): Promise<Running> {
  const { folder, state, run, config } = folders
  const [program = '', ...args] = argv
  const env = {
    ...process.env,
    PADDOCK_STATE_DIR: state,
    PADDOCK_RUN_DIR: run,
    PADDOCK_CONFIG_DIR: config,
  }
  const file = join(import.meta.dirname, '../../dist', program)
  const child = spawn(process.execPath, [file, ...args, '--listen=127.0.0.1:0'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const url = await serving(child)
  const pid = watchPidOf(child.pid ?? 0)
  const authorization = `Bearer ${readFileSync(join(state, 'watch/token'), 'utf8').trim()}`
  return {
    folder,
    url,
    pid,
    page: (path) => fetch(new URL(path, url), { headers: { authorization, accept: 'text/html' } }),
    async api<T>(path: string, body?: object): Promise<T> {
      const answer = await fetch(new URL(`/api/v1${path}`, url), {
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
      return (await answer.json()) as T
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}

/** Where it serves, once it does; under `paddock watch` also that the sensor is ready. */
function serving(child: ChildProcess): Promise<string> {
  let said = ''
  return new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue
      createInterface(stream).on('line', (line) => {
        said += `${line}\n`
        const url = /paddock-watch: (https?:\S+)/.exec(said)?.[1]
        const supervised = child.spawnargs.includes('watch')
        if (url !== undefined && (!supervised || /paddock-sensor: ready/.test(said))) resolve(url)
      })
    }
    child.once('exit', (code) => {
      reject(new Error(`it ended with ${code ?? 'a signal'}: ${said}`))
    })
  })
}

/** Its own, or that of its child which is watch. */
function watchPidOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean)
  const watch = children.find((child) =>
    readFileSync(`/proc/${child}/cmdline`, 'latin1').includes('dist/watch.js'),
  )
  return watch === undefined ? pid : Number(watch)
}

export function memoryMiB(pid: number): { resident: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  const of = (key: string) =>
    Math.round(Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024)
  return { resident: of('VmRSS'), peak: of('VmHWM') }
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}
