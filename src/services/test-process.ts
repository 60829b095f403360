import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { hasCode, UserError } from '../lib/errors.ts'
import { endMarked, kill } from './marked-processes.ts'

export interface TestProcess {
  readonly path: string
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly timeoutMs: number
  /** Asked every second; what it answers ends the test, for that reason. */
  readonly trouble: () => Promise<string | null>
  readonly onLine: (line: string) => void
  readonly signal: AbortSignal
}

export interface TestExit {
  /** Null: it was ended. */
  readonly code: number | null
  /** Why it was ended, or that it left processes behind; null where neither. */
  readonly reason: string | null
}

/** In the environment of the test and of all that it starts; tells them from every other process of the host. */
export const TEST_MARK = 'PADDOCK_TEST_RUN'
const LONGEST_LINE = 10_000

/**
 * Runs a service's test in a process group of its own, for a bounded time, and ends whatever it started, also what went
 * into a session of its own.
 * @param mark no other run has it
 */
export async function runTestProcess(mark: string, test: TestProcess): Promise<TestExit> {
  const child = await spawnTest(mark, test)
  let reason: string | null = null
  const deadline = sleep(test.timeoutMs, 'timeout' as const, { ref: false })
  const watching = new AbortController()
  const trouble = watchTrouble(test.trouble, watching.signal)
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const aborted = new Promise<'aborted'>((resolve) => {
    test.signal.addEventListener('abort', () => resolve('aborted'), { once: true })
    if (test.signal.aborted) resolve('aborted')
  })
  const first = await Promise.race([exited, deadline, trouble, aborted])
  watching.abort()
  if (first === 'timeout') reason = `it did not end within ${Math.round(test.timeoutMs / 1000)} s`
  else if (first === 'aborted') reason = 'it was interrupted'
  else if (typeof first === 'string') reason = first
  const code = typeof first === 'string' ? null : first
  const left = await endAll(child, mark)
  // What it did in its last second counts, too.
  if (typeof first !== 'string') reason = await test.trouble()
  if (reason === null && left > 0) reason = `it left ${left} ${left === 1 ? 'process' : 'processes'} running`
  // A process that held the pipes open is gone; nothing more comes.
  child.stdout?.destroy()
  child.stderr?.destroy()
  return { code, reason }
}

async function spawnTest(mark: string, { path, cwd, env, onLine }: TestProcess): Promise<ChildProcess> {
  const child = spawn(path, [], {
    cwd,
    env: { ...env, [TEST_MARK]: mark },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const stream of [child.stdout, child.stderr])
    createInterface(stream).on('line', (line) => onLine(line.slice(0, LONGEST_LINE)))
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', reject)
    })
  } catch (error) {
    if (hasCode(error, 'ENOENT'))
      throw new UserError(
        `cannot run ${path}: there is no such file, or what its first line names is missing`,
        { hint: 'a service has a test, a program in any language' },
      )
    if (hasCode(error, 'EACCES'))
      throw new UserError(`cannot run ${path}: it is not executable`, { hint: `chmod +x ${path}` })
    throw new UserError(`cannot run ${path}: ${error instanceof Error ? error.message : ''}`, {
      hint: "its first line names what runs it: '#!/bin/sh'",
      cause: error,
    })
  }
  return child
}

async function watchTrouble(ask: TestProcess['trouble'], signal: AbortSignal): Promise<string> {
  for (;;) {
    await sleep(1000, undefined, { ref: false })
    // Never settles after the test ended.
    if (signal.aborted) return new Promise<never>(() => undefined)
    const answer = await ask()
    if (answer !== null) return answer
  }
}

/** @returns how many were left beside the test itself */
async function endAll(child: ChildProcess, mark: string): Promise<number> {
  const isOver = () => child.exitCode !== null || child.signalCode !== null
  const seen = await endMarked(TEST_MARK, mark, {
    also: isOver,
    onKill: (signal) => {
      if (!isOver() && child.pid !== undefined) kill(-child.pid, signal)
    },
  })
  return [...seen].filter((pid) => pid !== child.pid).length
}
