import { spawn } from 'node:child_process'
import { closeSync, constants, openSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { hasCode, UserError } from '../lib/errors.ts'
import type { Daemon } from './daemon.ts'
import type { Restart } from './restart.ts'

/** How long a daemon may take to stop its containers. */
const STOP_MS = 120_000
/** How long a daemon that cannot start may take to say so. */
const START_MS = 3_000

/**
 * A daemon that nothing keeps: asked to end, and started again with its own command line, environment, working folder
 * and mount namespace.
 * @param log for what it prints, where its own file cannot be opened again
 */
export function restartProcess(daemon: Daemon, log: string): Restart {
  const proc = `/proc/${daemon.pid}`
  const [program = '', ...args] = strings(`${proc}/cmdline`)
  const env = Object.fromEntries(
    strings(`${proc}/environ`).map((line) => [
      line.slice(0, line.indexOf('=')),
      line.slice(line.indexOf('=') + 1),
    ]),
  )
  const folder = readlinkSync(`${proc}/cwd`).replace(/^.* \(deleted\)$/s, '/')
  // Held open, so that the mount namespace outlives the daemon.
  const namespace = openSync(`${proc}/ns/mnt`, constants.O_RDONLY)
  const output = outputOf(proc, log)
  const outputFile = fileOf(output) ?? log
  let pid = daemon.pid
  return {
    shown: `end process ${daemon.pid} and start '${[program, ...args].join(' ')}' again`,
    log: outputFile,
    async run() {
      await end(pid)
      const inside = ['--mount=/proc/self/fd/3', `--wd=${folder}`, '--', program, ...args]
      const child = spawn('nsenter', inside, {
        env,
        detached: true,
        stdio: ['ignore', output, output, namespace],
      })
      child.unref()
      const failed = new Promise<string>((resolve) => {
        child.once('error', (error) => {
          resolve(error.message)
        })
        child.once('exit', (code, signal) => {
          resolve(`exit ${code ?? signal ?? 'unknown'}`)
        })
      })
      // Keeps this process alive meanwhile, which nothing else does.
      const problem = await Promise.race([failed, sleep(START_MS, null)])
      pid = child.pid ?? 0
      if (problem === null) return
      throw new UserError(`the daemon ended at once (${problem}): ${lastLine(outputFile)}`)
    },
    [Symbol.dispose]: () => {
      closeSync(namespace)
      closeSync(output)
    },
  }
}

async function end(pid: number): Promise<void> {
  if (pid === 0) return
  const started = startOf(pid)
  if (started === null) return
  try {
    process.kill(pid, 'SIGTERM')
  } catch (error) {
    if (hasCode(error, 'ESRCH')) return
    throw new UserError(`cannot end the daemon (process ${pid}): permission denied`, {
      hint: 'run it as root',
    })
  }
  for (let waitedMs = 0; startOf(pid) === started; waitedMs += 100) {
    if (waitedMs > STOP_MS)
      throw new UserError(`the daemon (process ${pid}) does not end within ${STOP_MS / 1000} s`)
    await sleep(100)
  }
}

/** The clock tick a process started at, which tells it from a later one of its id; null when it has ended. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state === 'Z' ? null : (rest[18] ?? null)
  } catch {
    return null
  }
}

function strings(file: string): string[] {
  return readFileSync(file, 'utf8').split('\0').slice(0, -1)
}

/** Where the daemon writes now, where that is a file that can be opened again. */
function outputOf(proc: string, log: string): number {
  try {
    if (readlinkSync(`${proc}/fd/2`).startsWith('/'))
      return openSync(`${proc}/fd/2`, constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK)
  } catch {
    // A terminal that is gone, a pipe nobody reads: then our own.
  }
  return openSync(log, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT, 0o600)
}

function fileOf(fd: number): string | null {
  const path = readlinkSync(`/proc/self/fd/${fd}`)
  return path.startsWith('/dev/') ? null : path
}

/** The reason that a daemon gives is in its last line that is an error, else in its last. */
function lastLine(file: string): string {
  try {
    const lines = readFileSync(file, 'utf8').trim().split('\n').slice(-50)
    const line = lines.findLast((one) => /fatal|failed to start|error/i.test(one)) ?? lines.at(-1) ?? ''
    return line.slice(0, 500)
  } catch {
    return `see ${file}`
  }
}
