import { deviceOf, readLink as readLinkPath, readPath, statBuffer, statPath } from '../lib/libc/files.ts'
import { allocate } from '../lib/libc/library.ts'
import { type BytePath, bytePath, pathJson, pathText } from '../lib/byte-path.ts'
import type { ProcessRef } from '../protocol/findings.ts'

/** What `/proc` tells of one process. `exe` and `argv` are the container's to choose. */
export interface ProcessInfo extends ProcessRef {
  /** "pid:[4026532201]": equal for processes of one process-id namespace. */
  readonly pidNamespace: string
}

/** A process and its ancestors, nearest first. */
export interface Lineage {
  readonly processes: readonly ProcessInfo[]
  /**
   * Whether the way up does not pass the container's init, which is the last otherwise: it came by `docker exec` or the
   * like. Null where the way was lost: an ancestor was gone, or the init was not known yet.
   */
  readonly byExec: boolean | null
}

const LINEAGE_LENGTH = 64
const scratch = allocate(4096)

/**
 * At most 4 KiB of a `/proc` file, as latin1; null when it, or the process, is gone. By one `read`: the kernel gives all that
 * there is room for (fs/seq_file.c; `get_mm_cmdline` of fs/proc/base.c).
 */
export function readProcFile(path: string): string | null {
  const length = readPath(path, scratch)
  return length < 0 ? null : scratch.bytes.toString('latin1', 0, length)
}

/** @param proc "/proc", or a fixture tree */
export function readProcess(proc: string, pid: number): ProcessInfo | null {
  const uid = parseUid(readProcFile(`${proc}/${pid}/status`))
  return readProgramOf(proc, {
    pid,
    uid,
    uidInside: uid === null ? null : uidInside(readProcFile(`${proc}/${pid}/uid_map`), uid),
    pidNamespace: pidNamespace(proc, pid),
  })
}

/** What a process has apart from its program. */
export type Owner = Pick<ProcessInfo, 'pid' | 'uid' | 'uidInside' | 'pidNamespace'>

/** Reads what changes with a program only; null when the process is gone. */
export function readProgramOf(proc: string, owner: Owner): ProcessInfo | null {
  const { pid, uid, uidInside, pidNamespace } = owner
  const stat = parseStat(readProcFile(`${proc}/${pid}/stat`))
  if (stat === null) return null
  const { exe, argv } = readProgram(`${proc}/${pid}`)
  return { pid, ...stat, exe, argv: argv === null ? null : parseArgv(argv), uid, uidInside, pidNamespace }
}

const CHANGES_FOLLOWED = 8

/** A wrapper starts the next program while it is looked at: its arguments must not be told of that one. */
function readProgram(folder: string): { exe: ProcessRef['exe']; argv: string | null } {
  let exe = readLink(`${folder}/exe`)
  for (let times = 0; times < CHANGES_FOLLOWED; times++) {
    const argv = readProcFile(`${folder}/cmdline`)
    const after = readLink(`${folder}/exe`)
    if (after?.path === exe?.path) return { exe, argv }
    exe = after
  }
  return { exe, argv: null }
}

const executable = statBuffer()

/** Of the file that a process runs, as `stat` has it; -1 where it cannot be told. */
export function exeDevice(proc: string, pid: number): number {
  return statPath(`${proc}/${pid}/exe`, executable) < 0 ? -1 : deviceOf(executable)
}

/** "pid:[4026532201]"; empty when the process is gone. */
export function pidNamespace(proc: string, pid: number | 'self'): string {
  const length = readLinkPath(`${proc}/${pid}/ns/pid`, scratch)
  return length < 0 ? '' : scratch.bytes.toString('latin1', 0, length)
}

const own = new Map<string, string>()

/** The sensor's own, which does not change. */
export function ownNamespace(proc: string): string {
  const known = own.get(proc) ?? pidNamespace(proc, 'self')
  own.set(proc, known)
  return known
}

/**
 * The process and its ancestors up to the container's init.
 * @param container its init's process id and process-id namespace
 */
export function readLineage(
  proc: string,
  pid: number,
  container: { readonly pid: number; readonly pidNamespace: string },
): Lineage {
  const processes: ProcessInfo[] = []
  let next = pid
  while (next > 1 && processes.length < LINEAGE_LENGTH) {
    const info = readProcess(proc, next)
    if (info === null) return { processes, byExec: isOrphanOfEngine(proc, processes.at(-1)) || null }
    // The engine's own side of `docker exec` is no ancestor worth telling.
    if (processes.length > 0 && isEngineSide(proc, info, container.pidNamespace))
      return { processes, byExec: true }
    processes.push(info)
    if (next === container.pid) return { processes, byExec: false }
    next = info.parentPid
  }
  return { processes, byExec: next <= 1 && processes.length > 0 ? true : null }
}

/**
 * Whether a process whose parent ended is a child of the engine's side now: that becomes of what came by exec, for its parent
 * was not in the container. Other orphans are given to the container's init (pid_namespaces(7), PR_SET_CHILD_SUBREAPER).
 */
export function isOrphanOfEngine(proc: string, orphan: ProcessInfo | undefined): boolean {
  const now = orphan === undefined ? null : readProcess(proc, orphan.pid)
  if (orphan === undefined || now === null || now.parentPid === orphan.parentPid) return false
  if (orphan.startTicks > 0 && orphan.startTicks !== now.startTicks) return false
  const parent = readProcess(proc, now.parentPid)
  return parent !== null && isEngineSide(proc, parent, orphan.pidNamespace)
}

/**
 * Whether its parent, or who has it since that one ended, is the engine's side of its container.
 * @param known the parent's namespace; empty where it is to be read
 */
export function isFromOutside(proc: string, info: ProcessInfo, known = ''): boolean {
  const parent =
    known ||
    pidNamespace(proc, info.parentPid) ||
    pidNamespace(proc, parseStat(readProcFile(`${proc}/${info.pid}/stat`))?.parentPid ?? 0)
  return parent === ownNamespace(proc) && info.pidNamespace !== parent
}

/**
 * Whether a process stands above a container: it is in the process-id namespace of the sensor and the engines. A container
 * may make more such namespaces of its own, and call a program what it likes: both are inside. Only where the container was
 * given the host's namespace there is nothing but the name to go by.
 */
export function isEngineSide(proc: string, info: ProcessInfo, container: string): boolean {
  const outside = ownNamespace(proc)
  if (info.pidNamespace !== outside) return false
  return container !== outside || info.command.startsWith('containerd-shim') || info.command === 'conmon'
}

/** Of `/proc/<pid>/stat`: the command may itself hold spaces and parentheses, so what follows the last one counts. */
export function parseStat(text: string | null): {
  command: string
  parentPid: number
  startTicks: number
} | null {
  if (text === null) return null
  const open = text.indexOf('(')
  const close = text.lastIndexOf(')')
  if (open === -1 || close < open) return null
  return {
    command: pathText(text.slice(open + 1, close) as BytePath),
    parentPid: field(text, close + 2, 1),
    startTicks: field(text, close + 2, 19),
  }
}

/** The number of the field that so many blanks precede; NaN where there is none. */
function field(text: string, start: number, blanks: number): number {
  let at = start
  for (let count = 0; count < blanks; count++) {
    at = text.indexOf(' ', at) + 1
    if (at === 0) return Number.NaN
  }
  const end = text.indexOf(' ', at)
  return Number(end === -1 ? text.slice(at) : text.slice(at, end))
}

/** The effective user id, as the host sees it. */
export function parseUid(text: string | null): number | null {
  const found = /^Uid:\t\d+\t(\d+)/m.exec(text ?? '')
  return found === null ? null : Number(found[1])
}

/** The process that a thread belongs to; the thread's own number when it is gone. */
export function processOf(proc: string, thread: number): number {
  const found = /^Tgid:\t(\d+)/m.exec(readProcFile(`${proc}/${thread}/status`) ?? '')
  return found === null ? thread : Number(found[1])
}

export function parseArgv(bytes: string): readonly string[] | null {
  if (bytes.length === 0) return null
  const text = pathText(bytes as BytePath)
  return (text.endsWith('\0') ? text.slice(0, -1) : text).split('\0')
}

/** Through `/proc/<pid>/uid_map` as the host reads it: lines of "inside outside count". */
export function uidInside(map: string | null, uid: number): number | null {
  if (map === null) return null
  for (const line of map.split('\n')) {
    const [inside, outside, count] = line.trim().split(/\s+/).map(Number)
    if (inside === undefined || outside === undefined || count === undefined) continue
    if (uid >= outside && uid < outside + count) return inside + uid - outside
  }
  return null
}

function readLink(path: string): ProcessRef['exe'] {
  const length = readLinkPath(path, scratch)
  return length < 0 ? null : pathJson(bytePath(scratch.bytes.subarray(0, length)))
}
