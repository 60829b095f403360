import { Worker } from 'node:worker_threads'
import { UserError } from '../lib/errors.ts'
import type { BoundedPaths } from './trace/bounded-paths.ts'
import { openGate } from './trace/gate.ts'
import { watchLatecomers } from './trace/latecomers.ts'
import type { FromTracer, ToTracer } from './trace/messages.ts'
import { type Opened, watchOpened } from './trace/opened.ts'

/**
 * What a container's processes asked of its files, seen from outside. Paths are bytes (latin1), absolute inside the container.
 *
 * Two witnesses: fanotify on the container's file system sees every open and execution, by whatever process, with the path that
 * the kernel knows; ptrace of its first process, of those that the engine starts beside it, and of all that come of them sees what
 * has no event: stat, access, readlink, and what was asked for and is not there. Nothing is put into the container, and it has no privilege.
 */
export interface Observed {
  readonly used: ReadonlySet<string>
  /** Made by the service: their folders must be there. */
  readonly made: ReadonlySet<string>
  readonly missing: ReadonlySet<string>
  readonly users: ReadonlySet<number>
  readonly groups: ReadonlySet<number>
  /** False where there were more different paths than can be held. */
  readonly complete: boolean
}

export interface Trace {
  /** After the container has ended. */
  end(): Promise<Observed>
}

/**
 * Starts a container under observation, from its first instruction on.
 * @param start asks the engine to start it
 */
export async function traceContainer(containerId: string, start: () => Promise<void>): Promise<Trace> {
  const tracers = [startTracer()]
  const seen: Seen = { pid: 0, opened: null, latecomers: null }
  const follow = (pid: number) => {
    const tracer = startTracer()
    tracers.push(tracer)
    return tracer.attach(pid)
  }
  const stop = () => Promise.all(tracers.map((tracer) => tracer.stop()))
  const gate = openGate(containerId, async (pid) => {
    seen.pid = pid
    seen.opened = watchOpened(pid)
    await tracers[0]?.attach(pid)
    seen.latecomers = watchLatecomers(pid, follow)
  })
  try {
    await start()
  } catch (error) {
    seen.latecomers?.close()
    await stop()
    throw error
  } finally {
    gate.close()
  }
  if (seen.pid === 0) {
    await stop()
    throw new UserError('cannot trace the container: its start was not seen', {
      hint: 'the engine uses a container runtime that Paddock does not know; harden without --trace',
    })
  }
  return {
    async end() {
      seen.latecomers?.close()
      const asked = await Promise.all(tracers.map(({ done }) => done))
      const opened = await openedOf(seen)
      await stop()
      const union = <T>(pick: (one: Done) => readonly T[]) => new Set(asked.flatMap(pick))
      return {
        used: new Set([...opened.paths, ...union(({ used }) => used)]),
        made: union(({ made }) => made),
        missing: union(({ missing }) => missing),
        users: union(({ users }) => users),
        groups: union(({ groups }) => groups),
        complete: opened.complete && asked.every(({ complete }) => complete),
      }
    },
  }
}

async function openedOf({ opened }: Seen): Promise<Pick<BoundedPaths, 'paths' | 'complete'>> {
  return opened === null ? { paths: new Set(), complete: true } : opened.end()
}

interface Seen {
  pid: number
  opened: Opened | null
  latecomers: { close(): void } | null
}

type Done = Extract<FromTracer, { kind: 'done' }>

/** The thread that follows the processes. It stands still between two stops of them, and ends with the last. */
function startTracer() {
  const worker = new Worker(workerFile(), { trackUnmanagedFds: false })
  const attached = Promise.withResolvers<number>()
  const done = Promise.withResolvers<Done>()
  // What nobody waits for any more must not end the command.
  done.promise.catch(() => undefined)
  attached.promise.catch(() => undefined)
  worker.on('message', (message: FromTracer) => {
    if (message.kind === 'attached') attached.resolve(message.error)
    else done.resolve(message)
  })
  worker.on('error', (error) => {
    attached.reject(error)
    done.reject(error)
  })
  return {
    done: done.promise,
    attach(pid: number): Promise<number> {
      worker.postMessage({ pid } satisfies ToTracer)
      return attached.promise
    },
    stop: () => worker.terminate(),
  }
}

function workerFile(): URL {
  // From source a .ts file; in the published package the bundler has put a .js beside this one.
  return import.meta.url.endsWith('.ts')
    ? new URL('../bin/tracer.ts', import.meta.url)
    : new URL('./tracer.js', import.meta.url)
}
