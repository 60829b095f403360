import {
  isFromOutside,
  isOrphanOfEngine,
  isEngineSide,
  type Lineage,
  type Owner,
  ownNamespace,
  type ProcessInfo,
  readProcess,
  readProgramOf,
} from '../process-info.ts'

/**
 * Processes of containers, remembered from the moment they started until a while after they ended, so that who did something
 * is still known when it is asked: most that a container runs is gone before anybody looks.
 */
export interface ProcessTable {
  /** A program was started in this container: read at once. */
  executed(pid: number, containerId: string): ProcessInfo | null
  /** The same of one that changed its user. */
  changedUser(pid: number, containerId: string): ProcessInfo | null
  /** The container that a process began in, where that is known: it cannot leave its control group. */
  containerOf(pid: number): string | null
  /** Events were lost: a process id may be another's by now. */
  missed(): void
  forked(pid: number, parentPid: number): void
  exited(pid: number): void
  /** As it was last seen; null for what never was. */
  get(pid: number): ProcessInfo | null
  /** The process and its ancestors up to the container's init; to the top of its own namespace where that is not known yet. */
  lineage(pid: number, init: { readonly pid: number; readonly pidNamespace: string } | null): Lineage | null
}

const MAXIMUM = 16_384
const REMEMBERED_MS = 10_000
const FORGET_EVERY_MS = 1000
const LINEAGE_LENGTH = 64
/** A process that was gone before it was read may have begun in another namespace than the one that forked it. */
const UNKNOWN = ''

/** A runtime's last steps before it becomes the program: of that one, the event may be lost or still to come. */
const BEGINNING = /^(runc|crun)\b/

interface Entry {
  info: ProcessInfo
  /** Copied from the parent at a fork: to be read when it is first needed, if it still can be. */
  isCopy: boolean
  /** Whether it was started from outside of its process-id namespace: its parent may be gone when that is asked. */
  isFromOutside: boolean
  containerId: string | null
  exitedAt: number
}

export function createProcessTable(proc: string): ProcessTable {
  const entries = new Map<number, Entry>()
  let forgotAt = Number.NEGATIVE_INFINITY
  const exits: { readonly pid: number; readonly entry: Entry }[] = []

  /** @param before of the same process: one that is read on its way out stays ended */
  function put(pid: number, now: Omit<Entry, 'exitedAt'>, before?: Entry): void {
    entries.delete(pid)
    if (entries.size >= MAXIMUM) {
      const oldest = entries.keys().next().value
      if (oldest !== undefined) entries.delete(oldest)
    }
    entries.set(pid, Object.assign(before ?? { exitedAt: Number.POSITIVE_INFINITY }, now))
  }

  function forget(): void {
    const now = performance.now()
    if (now - forgotAt < FORGET_EVERY_MS) return
    forgotAt = now
    const before = now - REMEMBERED_MS
    let count = 0
    for (const { pid, entry } of exits) {
      if (entry.exitedAt > before) break
      count++
      if (entries.get(pid) === entry) entries.delete(pid)
    }
    exits.splice(0, count)
  }

  function get(pid: number): ProcessInfo | null {
    const known = entries.get(pid)
    if (known !== undefined && !known.isCopy && !BEGINNING.test(known.info.command)) return known.info
    const info = readProcess(proc, pid)
    if (info === null) return known?.info ?? null
    const containerId = known?.containerId ?? null
    put(pid, { info, isCopy: false, isFromOutside: isFromOutside(proc, info), containerId }, known)
    return info
  }

  function read(pid: number, containerId: string, owner: Owner | null): ProcessInfo | null {
    const info = owner === null ? readProcess(proc, pid) : readProgramOf(proc, owner)
    if (info === null) return null
    // The parent too, while it is there.
    const fromOutside = isFromOutside(proc, info, get(info.parentPid)?.pidNamespace)
    put(pid, { info, isCopy: false, isFromOutside: fromOutside, containerId }, entries.get(pid))
    return info
  }

  /**
   * What a process keeps when it starts a program: it had it from who forked it, and of a new user the kernel tells. Null where
   * that is not known, and on the way into a container.
   */
  function ownerOf(pid: number, containerId: string): Owner | null {
    const entry = entries.get(pid)
    if (entry?.containerId !== containerId) return null
    const { uid, uidInside, parentPid } = entry.info
    const { pidNamespace = UNKNOWN } = (entry.isCopy ? entries.get(parentPid) : entry)?.info ?? {}
    const isInside = pidNamespace !== UNKNOWN && pidNamespace !== ownNamespace(proc)
    return isInside && uid !== null ? { pid, uid, uidInside, pidNamespace } : null
  }

  return {
    executed: (pid, containerId) => read(pid, containerId, ownerOf(pid, containerId)),
    changedUser: (pid, containerId) => read(pid, containerId, null),
    containerOf: (pid) => entries.get(pid)?.containerId ?? null,
    missed() {
      for (const entry of entries.values()) entry.containerId = null
    },
    forked(pid, parentPid) {
      const parent = entries.get(parentPid)
      // Whoever had this id before is gone.
      if (parent === undefined) entries.delete(pid)
      else
        put(pid, {
          info: { ...parent.info, pid, parentPid, startTicks: 0, pidNamespace: UNKNOWN },
          isCopy: true,
          isFromOutside: false,
          containerId: parent.containerId,
        })
    },
    exited(pid) {
      forget()
      const entry = entries.get(pid)
      if (entry === undefined) return
      entry.exitedAt = performance.now()
      exits.push({ pid, entry })
    },
    get,
    lineage(pid, init) {
      const processes: ProcessInfo[] = []
      let namespace = init?.pidNamespace ?? UNKNOWN
      let next = pid
      while (next > 1 && processes.length < LINEAGE_LENGTH) {
        const info = get(next)
        if (info === null) {
          if (processes.length === 0) return null
          const last = processes.at(-1)
          const known = last !== undefined && entries.get(last.pid)?.isFromOutside === true
          return { processes, byExec: (init !== null && (known || isOrphanOfEngine(proc, last))) || null }
        }
        if (processes.length > 0 && isEngineSide(proc, info, namespace))
          return { processes, byExec: init === null ? null : true }
        processes.push(info)
        if (next === init?.pid) return { processes, byExec: false }
        if (namespace === UNKNOWN) namespace = info.pidNamespace
        next = info.parentPid
      }
      return processes.length === 0 ? null : { processes, byExec: next <= 1 && init !== null ? true : null }
    },
  }
}
