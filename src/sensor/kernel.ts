import { closeSync, writeSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { eventfd } from '../lib/libc/poll.ts'
import type { FromKernel, KernelSetup, ToKernel } from './kernel/messages.ts'

/** The thread that listens to the kernel, from outside. */
export interface KernelEvents {
  send(message: ToKernel): void
  /** To be called for each lent descriptor when it was read. */
  giveBack(fd: number): void
  stop(): Promise<void>
}

export interface KernelOptions {
  readonly proc: string
  readonly changes: number
  /** How many folders of layer directories are watched at most. */
  readonly watchedDirectories: number
  onMessage(message: FromKernel): void
  onDeath(why: string): void
}

const WAKE = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0])

export function startKernelEvents(options: KernelOptions): KernelEvents {
  const wake = eventfd()
  const shared = new SharedArrayBuffer(8)
  const counters = new Int32Array(shared)
  const { proc, changes, watchedDirectories } = options
  const workerData: KernelSetup = { proc, changes, watchedDirectories, wake, counters: shared }
  const worker = new Worker(workerFile(), { workerData, trackUnmanagedFds: false })
  let over = false

  function end(why: string): void {
    if (over) return
    over = true
    closeSync(wake)
    options.onDeath(why)
  }

  worker.on('message', (message: FromKernel) => {
    options.onMessage(message)
    if (message.type !== 'batch') return
    Atomics.sub(counters, 1, 1)
    Atomics.notify(counters, 1)
  })
  worker.on('error', (error) => end(error instanceof Error ? (error.stack ?? error.message) : String(error)))
  worker.on('exit', (code) => end(`it ended with code ${code}`))

  function send(message: ToKernel): void {
    if (over) return
    worker.postMessage(message)
    writeSync(wake, WAKE)
  }

  return {
    send,
    giveBack(fd) {
      closeSync(fd)
      Atomics.sub(counters, 0, 1)
    },
    async stop() {
      if (over) return
      const exited = new Promise((resolve) => worker.once('exit', resolve))
      send({ type: 'stop' })
      over = true
      await exited
      closeSync(wake)
    },
  }
}

function workerFile(): URL {
  return import.meta.url.endsWith('.ts')
    ? new URL('./kernel/worker.ts', import.meta.url)
    : new URL('./kernel-worker.js', import.meta.url)
}
