import { closeSync, readFileSync, writeSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { fanotifyInit, fanotifyMark, INIT, MARK, EVENT } from '../lib/libc/fanotify.ts'
import { O_PATH, openPath } from '../lib/libc/files.ts'
import { eventfd } from '../lib/libc/poll.ts'
import { onTick, TICK_MS } from './tick.ts'
import type { ExecPolicy, FromVerdict, ToVerdict, VerdictSetup } from './verdict/messages.ts'
import { PROGRESS_BYTES, shareProgress, type VerdictStats } from './verdict/progress.ts'

/** The thread that answers the kernel, from outside. */
export interface Verdicts {
  send(message: ToVerdict): void
  /** To be called for each descriptor that came with an unknown program, when it was read. */
  giveBack(fd: number): void
  stats(): VerdictStats
  stop(): Promise<void>
}

export interface VerdictOptions {
  readonly proc: string
  /** The group of close-after-write events, marked along; -1 for none. */
  readonly changes: number
  readonly defaultPolicy: ExecPolicy
  onMessage(message: FromVerdict): void
  /** The thread ended or hangs; the kernel lets every program go on. To be started anew by the caller. */
  onDeath(why: string): void
}

/** At one turn for so many ticks, the thread is taken for hung. Counted, not timed: this thread may itself be held up. */
const HUNG_TICKS = 2
/** The same until it runs: nothing waits for it yet. */
const START_TICKS = 60
const WAKE = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0])

/** Starts the verdict worker. It answers from its `ready` on. */
export function startVerdicts(options: VerdictOptions): Verdicts {
  const wake = eventfd()
  const lent = new SharedArrayBuffer(4)
  const shared = new SharedArrayBuffer(PROGRESS_BYTES)
  const progress = shareProgress(shared)
  const workerData: VerdictSetup = {
    proc: options.proc,
    changes: options.changes,
    defaultPolicy: options.defaultPolicy,
    wake,
    lent,
    progress: shared,
    evictable: hasEvictableMarks(),
    verifiedMaximum: verifiedMaximum(),
    showsStacks: showsStacks(),
  }
  const worker = new Worker(workerFile(), { workerData, trackUnmanagedFds: false })
  let group = -1
  let seen = -1
  let held = 0
  let hasStarted = false
  let over = false

  function end(why: string | null): void {
    if (over) return
    over = true
    stopLooking()
    // The worker's exit closes no descriptor: only this lets go of whatever waits in `execve`.
    if (group >= 0) closeQuietly(group)
    closeSync(wake)
    if (why !== null) options.onDeath(why)
  }

  function send(message: ToVerdict): void {
    if (over) return
    worker.postMessage(message)
    writeSync(wake, WAKE)
  }

  worker.on('message', (message: FromVerdict) => {
    held = 0
    if (message.type === 'ready') {
      group = message.group
      hasStarted = true
    }
    options.onMessage(message)
  })
  worker.on('error', (error) => end(error instanceof Error ? (error.stack ?? error.message) : String(error)))
  worker.on('exit', (code) => end(`it ended with code ${code}`))
  const stopLooking = onTick(() => {
    const turn = progress.workingTurn()
    held = turn !== null && turn === seen ? held + 1 : 0
    seen = turn ?? -1
    if (held < (hasStarted ? HUNG_TICKS : START_TICKS)) return
    end(`it hangs: it did not come round for ${(held * TICK_MS) / 1000} seconds`)
    void worker.terminate()
  })

  return {
    send,
    giveBack(fd) {
      closeSync(fd)
      Atomics.sub(new Int32Array(lent), 0, 1)
    },
    stats: () => progress.stats(),
    async stop() {
      if (over) return
      const exited = new Promise((resolve) => worker.once('exit', resolve))
      send({ type: 'stop' })
      stopLooking()
      over = true
      await exited
      closeSync(wake)
    },
  }
}

function workerFile(): URL {
  // From source a .ts file; in the published package the bundler has put a .js beside this one.
  return import.meta.url.endsWith('.ts')
    ? new URL('./verdict/worker.ts', import.meta.url)
    : new URL('./verdict-worker.js', import.meta.url)
}

function hasEvictableMarks(): boolean {
  const group = fanotifyInit(INIT.CLOEXEC)
  if (group < 0) return false
  const fd = openPath('/', O_PATH)
  const marked = fanotifyMark(group, MARK.ADD | MARK.EVICTABLE, EVENT.CLOSE_WRITE, fd)
  closeQuietly(fd)
  closeQuietly(group)
  return marked === 0
}

const VERIFIED_MAXIMUM = 4096
const VERIFIED_MINIMUM = 64
/** What events, containers and layer directories may need at the same time. */
const OTHER_DESCRIPTORS = 2048

/** Without a descriptor left the kernel denies every program, and none can be compared. */
function verifiedMaximum(): number {
  const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1]
  const room = Math.floor((Number(limit ?? VERIFIED_MAXIMUM) - OTHER_DESCRIPTORS) / 3)
  return Math.max(VERIFIED_MINIMUM, Math.min(VERIFIED_MAXIMUM, room))
}

function closeQuietly(fd: number): void {
  try {
    closeSync(fd)
  } catch {
    // The worker closed it on its way out.
  }
}

function showsStacks(): boolean {
  try {
    return readFileSync('/proc/thread-self/stack').length > 0
  } catch {
    return false
  }
}
