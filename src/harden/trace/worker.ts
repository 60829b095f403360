import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import {
  PTRACE_EVENT,
  ptraceListen,
  ptraceResume,
  ptraceSeize,
  ptraceSyscall,
  ptraceWait,
  readString,
  type Stop,
} from '../../lib/libc/ptrace.ts'
import { boundedPaths } from './bounded-paths.ts'
import { idsOf } from './ids.ts'
import type { FromTracer, ToTracer } from './messages.ts'
import { PATH_CALLS } from './path-calls.ts'

const ENOENT = -2
const AT_FDCWD = -100
/** SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU */
const STOPS = new Set([19, 20, 21, 22])
const MOST_PATH_BYTES = 64 * 1024 * 1024
const MOST_IDS = 10_000

/** Follows one container's processes until the last is gone, and tells what paths they asked the kernel for. */
export function runTracer(): void {
  parentPort?.once('message', ({ pid }: ToTracer) => {
    const answers = threadsOf(pid).map((tid) => ptraceSeize(tid))
    const failed = answers.find((answer) => answer < 0) ?? 0
    tell({ kind: 'attached', error: failed })
    if (failed === 0) follow(pid)
    else tell({ kind: 'done', used: [], made: [], missing: [], users: [], groups: [], complete: true })
  })
}

function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number)
  } catch {
    return [pid]
  }
}

interface Asked {
  readonly paths: readonly string[]
  readonly makes: boolean
}

function follow(init: number): void {
  const room = { bytes: MOST_PATH_BYTES }
  const [used, made, missing] = [boundedPaths(room), boundedPaths(room), boundedPaths(room)]
  const [users, groups] = [new Set<number>(), new Set<number>()]
  const asked = new Map<number, Asked>()
  // Until it becomes the service's own program, init is the runtime's.
  let begun = false

  function noteIds(tid: number): void {
    const ids = idsOf(tid)
    // Root of a container can become anybody: whom a thousand accounts do not hold, no image needs.
    for (const id of ids?.users ?? []) if (users.size < MOST_IDS) users.add(id)
    for (const id of ids?.groups ?? []) if (groups.size < MOST_IDS) groups.add(id)
  }

  function syscall(tid: number): void {
    const stop = ptraceSyscall(tid)
    if (stop === null) return
    if (stop.at === 'entry') {
      const call = PATH_CALLS[stop.number]
      if (call === undefined) return
      const places = call.paths.map(({ path, folder }) => ({
        address: stop.argument(path),
        folder: folder === null ? AT_FDCWD : Number(BigInt.asIntN(32, stop.argument(folder))),
      }))
      const paths = places.flatMap(({ address, folder }) => absolute(tid, folder, readString(tid, address)))
      if (call.setsRoot === true) someRootsDiffer = true
      if (paths.length > 0) asked.set(tid, { paths, makes: call.makes })
      return
    }
    const last = asked.get(tid)
    asked.delete(tid)
    if (last === undefined) return
    const into = stop.result === ENOENT ? missing : last.makes ? made : used
    for (const path of last.paths) into.add(path)
  }

  function handle(stop: Stop): void {
    const { tid, isSyscall, event, signal } = stop
    if (isSyscall) {
      if (begun) syscall(tid)
      ptraceResume(tid, 0)
      return
    }
    if (event === PTRACE_EVENT.STOP && STOPS.has(signal)) {
      ptraceListen(tid)
      return
    }
    if (event === PTRACE_EVENT.EXEC) {
      begun = true
      // What it was called by stands in no system call's end: the old program is gone. Of one that was seized in the middle
      // of its call the kernel left the name in the new program.
      for (const path of asked.get(tid)?.paths ?? absolute(tid, AT_FDCWD, calledBy(tid))) used.add(path)
      asked.delete(tid)
    }
    if (begun && (event === PTRACE_EVENT.EXEC || event === PTRACE_EVENT.EXIT)) noteIds(tid)
    ptraceResume(tid, event === 0 ? signal : 0)
  }

  for (let stop = ptraceWait(); stop !== null; stop = ptraceWait()) {
    if (stop.gone) asked.delete(stop.tid)
    else handle(stop)
    if (stop.gone && stop.tid === init) begun = true
  }
  tell({
    kind: 'done',
    used: [...used.paths],
    made: [...made.paths],
    missing: [...missing.paths],
    users: [...users],
    groups: [...groups],
    complete: used.complete && made.complete && missing.complete,
  })
}

/** Whether a process has called chroot: until then all have the container's root, and nobody is asked for it. */
let someRootsDiffer = false

/** The kernel tells folders of another mount namespace as its processes see them. */
function absolute(tid: number, folder: number, path: string | null): string[] {
  if (path === null || path === '') return []
  try {
    if (path.startsWith('/')) return [someRootsDiffer ? rootOf(tid) + path : path]
    const base = readlinkSync(`/proc/${tid}/${folder === AT_FDCWD ? 'cwd' : `fd/${folder}`}`, 'latin1')
    return base.startsWith('/') ? [`${base}/${path}`] : []
  } catch {
    return []
  }
}

const AT_EXECFN = 31n

/** The name by which a program that has just begun was called (getauxval(3)). */
function calledBy(tid: number): string | null {
  try {
    const vector = readFileSync(`/proc/${tid}/auxv`)
    for (let at = 0; at + 16 <= vector.length; at += 16)
      if (vector.readBigUInt64LE(at) === AT_EXECFN) return readString(tid, vector.readBigUInt64LE(at + 8))
  } catch {
    // It is gone.
  }
  return null
}

/** "" for the container's own. */
function rootOf(tid: number): string {
  const root = readlinkSync(`/proc/${tid}/root`, 'latin1')
  return root === '/' ? '' : root
}

function tell(message: FromTracer): void {
  parentPort?.postMessage(message)
}
