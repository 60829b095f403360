import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { reasonOf } from '../lib/errors.ts'

/** A program that is started again whenever it ends. */
export interface Program {
  /** "paddock-sensor". */
  readonly name: string
  readonly file: string
  readonly args: readonly string[]
  /** `cause` is how its last life ended, "killed by SIGKILL"; null for the first. */
  readonly options: (cause: string | null) => SpawnOptions
}

export interface SuperviseOptions {
  /** Ends it, and asks the program to end. */
  readonly signal: AbortSignal
  /** A line that the program printed. */
  readonly onLine: (line: string) => void
  /** It ended without having been asked to. */
  readonly onDeath: (cause: string, againInMs: number) => void
}

/** What a program prints as the last line when it exits with 2: it could not do what was asked. */
export interface Unusable {
  readonly line: string
}

/** Started again after so long; one that dies at once is given more and more time. */
const FIRST_DELAY_MS = 100
const LAST_DELAY_MS = 10_000
/** A life of this length counts as a good one. */
const GOOD_LIFE_MS = 10_000
const KILL_AFTER_MS = 5000

/**
 * Runs a program and starts it again whenever it ends, until the signal aborts. Its standard input is a pipe that
 * closes with this process, so that it can end then.
 * @returns null, or why it never got going: its first life ended with exit code 2
 */
export async function supervise(program: Program, options: SuperviseOptions): Promise<Unusable | null> {
  const ended = () => options.signal.aborted
  let delayMs = FIRST_DELAY_MS
  let cause: string | null = null
  while (!ended()) {
    const startedMs = performance.now()
    const life = await live(program, cause, options)
    if (ended()) break
    if (cause === null && life.exitCode === 2) return { line: life.lastLine }
    cause = life.cause
    const good = performance.now() - startedMs >= GOOD_LIFE_MS
    delayMs = good ? FIRST_DELAY_MS : Math.min(delayMs * 2, LAST_DELAY_MS)
    options.onDeath(cause, delayMs)
    await sleep(delayMs, undefined, { signal: options.signal }).catch(() => undefined)
  }
  return null
}

async function live(program: Program, cause: string | null, { signal, onLine }: SuperviseOptions) {
  const child = spawn(program.file, program.args, {
    ...program.options(cause),
    stdio: ['pipe', 'pipe', 'pipe'],
    // Ctrl-C on a terminal goes to its whole process group: here it is this process that ends the others.
    detached: true,
  })
  let lastLine = ''
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lastLine = line
      onLine(line)
    })
  }
  // It may be gone before it has read what it never reads.
  child.stdin.on('error', () => undefined)
  const asked = () => {
    end(child)
  }
  signal.addEventListener('abort', asked)
  const [exitCode, killedBy] = (await once(child, 'close').catch((error: unknown) => {
    lastLine = `cannot start ${program.file}: ${reasonOf(error)}`
    return [2, null]
  })) as [number | null, string | null]
  signal.removeEventListener('abort', asked)
  return {
    exitCode,
    lastLine,
    cause: exitCode === null ? `killed by ${killedBy ?? 'a signal'}` : `with exit code ${exitCode}`,
  }
}

function end(child: ChildProcess): void {
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS)
  child.once('close', () => {
    clearTimeout(timer)
  })
}
