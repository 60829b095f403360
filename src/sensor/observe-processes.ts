import { readdirSync, readlinkSync } from 'node:fs'
import { pathFromJson, pathText } from '../lib/byte-path.ts'
import type { ProcessFacts } from '../policy/processes.ts'
import { execFinding } from './findings/exec-finding.ts'
import { processFinding } from './findings/process-finding.ts'
import type { Who } from './findings/who.ts'
import { type Followed, userName } from './followed.ts'
import type { Started } from './kernel/messages.ts'
import type { FindingSink } from './ports.ts'
import { deviceText, readMounts } from './mounts.ts'
import { exeDevice, type ProcessInfo, readLineage, readProcess, readProcFile } from './process-info.ts'
import { devicesOf, type Strange, strangeProgram } from './strange-program.ts'

type Source = 'process-connector' | 'process-sweep'

export interface ProcessJudge {
  started(followed: Followed, started: Started): void
  /** Looks at every process of every container that runs. */
  sweep(all: Iterable<Followed>): void
  /** What ran in a container at the last sweep. */
  processesOf(containerId: string): readonly ProcessInfo[]
  missingOf(containerId: string): readonly string[]
  /** Judges at once what is still settling. */
  stop(): void
}

/** A daemon changes its user right after it started: it is judged by what it is then. */
const SETTLE_MS = 100
/** Who changes its user (su, sudo, an entry script) becomes another program next, on a busy machine not at once. */
const USER_SETTLE_MS = 500
const CHANGES_MAXIMUM = 3
const TOLD_MAXIMUM = 16_384

/** Judges processes: programs from memory or of deleted files, and what policy does not expect. Each is told once. */
export function createProcessJudge(proc: string, sink: FindingSink): ProcessJudge {
  const told = new Set<string>()
  /** How often a process was not judged because it became another, by its id and start. */
  const changes = new Map<string, number>()
  let running = new Map<string, ProcessInfo[]>()
  let missing = new Map<string, readonly string[]>()
  /** Started just now. */
  const settling = new Map<NodeJS.Timeout, (isEnd: boolean) => void>()
  /** Users of a container that others have too, told already. */
  const hostNamespaces = namespacesOf(proc, 'self')
  const suspects = new Set<string>()

  function isNews(followed: Followed, what: string): boolean {
    const key = `${followed.ref.id}:${what}`
    if (told.has(key)) return false
    if (told.size >= TOLD_MAXIMUM) told.clear()
    told.add(key)
    return true
  }

  /** Who goes on changing is judged all the same. */
  function mayChange({ pid, startTicks }: ProcessInfo): boolean {
    const key = `${pid}.${startTicks}`
    const times = (changes.get(key) ?? 0) + 1
    if (changes.size >= TOLD_MAXIMUM) changes.clear()
    changes.set(key, times)
    return times <= CHANGES_MAXIMUM
  }

  function whoOf({ marked }: Followed, info: ProcessInfo): Who {
    if (marked === null) return { processes: [info], byExec: null }
    return readLineage(proc, info.pid, { pid: marked.init.pid, pidNamespace: marked.pidNamespace })
  }

  function strange(followed: Followed, info: ProcessInfo, device: number): Strange | null {
    const found = strangeProgram(info.exe, device, devicesOf(followed.marked))
    if (found !== 'elsewhere') return found
    // With layers on several file systems overlayfs has device numbers of its own: only known foreign ones count.
    if (!isOwnMount(followed, info.pid, device)) return null
    return { from: 'unknown', why: 'it lies in a file system that its process mounted itself' }
  }

  /** Whether the container mounted it: a process with mounts of its own, or the init's, since they were marked. */
  function isOwnMount({ marked }: Followed, pid: number, device: number): boolean {
    const { mnt } = namespacesOf(proc, pid)
    if (marked === null || mnt === '') return false
    if (mnt !== namespacesOf(proc, marked.init.pid).mnt) return true
    try {
      return readMounts(proc, pid).some((mount) => mount.device === deviceText(device))
    } catch {
      return false
    }
  }

  function judgeStrange(
    followed: Followed,
    info: ProcessInfo,
    device: number,
    source: Source,
    who: Who | null,
  ) {
    // Before the runtime's own helper enters the container it runs in the host's namespaces: not the container's doing.
    if (info.pidNamespace === hostNamespaces.pid && followed.marked?.pidNamespace !== hostNamespaces.pid)
      return
    const found = strange(followed, info, device)
    if (found === null || info.exe === null) return
    if (
      !isNews(
        followed,
        `exec:${info.exe.path}:${found.from === 'deleted' || found.from === 'memfd' ? info.pid : ''}`,
      )
    )
      return
    const path = pathFromJson(info.exe)
    sink.emit(
      execFinding(
        followed.ref,
        source,
        { path, verdict: 'allowed', ...found },
        who ?? whoOf(followed, info),
        null,
      ),
    )
  }

  /** @param passing it was something else, or gone, a moment later: what could not be read of it never can */
  function judgeExpected(
    followed: Followed,
    info: ProcessInfo,
    source: Source,
    who: Who | null,
    passing = false,
  ) {
    // Gone before its program could be read: policy names programs, and of this one nothing is known. Its
    // file was judged when it was executed.
    if (info.exe === null) return
    // The runtime's sealed copy of itself on its way in: no file of a container is executed as its root.
    if (info.exe.path === '/' && (passing || info.command.startsWith('runc:['))) return
    const { processes } = followed.judge
    const facts = processes === null ? null : factsOf(followed, info)
    if (processes === null || facts === null) return
    // Caught in the middle of an execution it has no arguments yet.
    if (processes.judge(passing && info.argv === null ? { ...facts, args: null } : facts) !== null) return
    if (info.pidNamespace === hostNamespaces.pid && followed.marked?.pidNamespace !== hostNamespaces.pid)
      return
    const exe = pathText(pathFromJson(info.exe))
    const user = facts.user ?? String(facts.uid)
    if (!isNews(followed, `process:${exe}:${user}:${facts.args?.slice(0, 256) ?? ''}`)) return
    const what = `${exe} runs as ${user}, which policy does not expect`
    sink.emit(
      processFinding(followed.ref, source, 'process-not-expected', what, who ?? whoOf(followed, info)),
    )
  }

  function sweepOne(followed: Followed, processes: readonly ProcessInfo[]): void {
    for (const info of processes) {
      judgeStrange(followed, info, exeDevice(proc, info.pid), 'process-sweep', null)
      judgeExpected(followed, info, 'process-sweep', null)
      judgeNamespaces(followed, info)
    }
    const judge = followed.judge.processes
    if (judge === null || followed.container.state !== 'running') return
    const facts = processes.flatMap((info) => factsOf(followed, info) ?? [])
    const gone = judge.missing(facts).map((rule) => rule.exe)
    const before = missing.get(followed.ref.id) ?? []
    missing.set(followed.ref.id, gone)
    for (const exe of gone) {
      if (before.includes(exe)) continue
      sink.emit(
        processFinding(
          followed.ref,
          'process-sweep',
          'process-missing',
          `${exe} should run and does not`,
          null,
        ),
      )
    }
  }

  /** In the container's control group, but in the host's namespaces: for two sweeps, since the runtime passes through them. */
  function judgeNamespaces(followed: Followed, info: ProcessInfo): void {
    const { marked } = followed
    if (marked === null || marked.pidNamespace === hostNamespaces.pid) return
    const key = `${followed.ref.id}:${info.pid}.${info.startTicks}`
    const mnt = namespacesOf(proc, info.pid).mnt
    if (info.pidNamespace !== hostNamespaces.pid && mnt !== hostNamespaces.mnt) {
      suspects.delete(key)
      return
    }
    if (!suspects.has(key)) suspects.add(key)
    else if (isNews(followed, `left:${key}`)) {
      const what = `the process ${info.pid} (${info.command}) is in the host's namespaces`
      sink.emit(processFinding(followed.ref, 'process-sweep', 'left-namespaces', what, whoOf(followed, info)))
    }
  }

  function judgeSharedUsers(all: ReadonlyMap<string, Followed>): void {
    const users = new Map<number, Map<string, ProcessInfo>>()
    for (const [id, processes] of running)
      for (const info of processes)
        if (info.uid !== null && info.uidInside !== 0) {
          const containers = users.get(info.uid) ?? new Map<string, ProcessInfo>()
          users.set(info.uid, containers.set(id, info))
        }
    for (const [uid, containers] of users) {
      const [first, ...others] = [...containers]
      const followed = first === undefined ? undefined : all.get(first[0])
      if (first === undefined || followed === undefined) continue
      const other = others
        .map(([id]) => all.get(id))
        .find((one) => one !== undefined && !areOneService(one.ref.name, followed.ref.name))
      if (other === undefined) continue
      if (!isNews(followed, `user:${uid}:${other.ref.id}`)) continue
      const what = `processes of user ${uid} run here and in ${other.ref.name} too`
      sink.emit(processFinding(followed.ref, 'process-sweep', 'user-shared', what, whoOf(followed, first[1])))
    }
  }

  return {
    started(followed, { what, process: info, exeDevice: device, who }) {
      judgeStrange(followed, info, device, 'process-connector', who)
      if (followed.judge.processes === null) return
      const settled = (isEnd: boolean): void => {
        const again = readProcess(proc, info.pid)
        const lives = again !== null && again.startTicks === info.startTicks
        const same = lives && again.exe?.path === info.exe?.path
        // Of its new user, and of the program that it became, the kernel tells too: each is judged by itself.
        const changed = lives && (same ? again.uid !== info.uid : what === 'user')
        if (changed && !isEnd && mayChange(info)) return
        judgeExpected(followed, same ? again : info, 'process-connector', who, !same)
      }
      const wait = what === 'user' ? USER_SETTLE_MS : SETTLE_MS
      const timer = setTimeout(() => {
        settling.delete(timer)
        settled(false)
      }, wait)
      settling.set(timer, settled)
    },
    sweep(all) {
      const byId = new Map([...all].filter((one) => one.marked !== null).map((one) => [one.ref.id, one]))
      running = processesByContainer(proc, new Set(byId.keys()))
      missing = new Map([...missing].filter(([id]) => byId.has(id)))
      for (const [id, followed] of byId) sweepOne(followed, running.get(id) ?? [])
      judgeSharedUsers(byId)
    },
    processesOf: (containerId) => running.get(containerId) ?? [],
    missingOf: (containerId) => missing.get(containerId) ?? [],
    stop() {
      for (const [timer, settled] of settling) {
        clearTimeout(timer)
        settled(true)
      }
      settling.clear()
    },
  }
}

export function factsOf(followed: Followed, info: ProcessInfo): ProcessFacts | null {
  const uid = info.uidInside ?? info.uid
  if (uid === null) return null
  const path = info.exe === null ? null : pathFromJson(info.exe)
  const isFile = path !== null && !path.startsWith('/memfd:') && !path.endsWith(' (deleted)')
  const args = Buffer.from((info.argv ?? []).slice(1).join(' '), 'utf8').toString('latin1')
  return { exe: isFile ? path : null, uid, user: userName(followed, uid), args }
}

function processesByContainer(proc: string, ids: ReadonlySet<string>): Map<string, ProcessInfo[]> {
  const found = new Map<string, ProcessInfo[]>()
  for (const name of readdirSync(proc)) {
    if (!/^\d+$/.test(name)) continue
    const groups = readProcFile(`${proc}/${name}/cgroup`) ?? ''
    const id = [...groups.matchAll(/[0-9a-f]{64}/g)].map(([text]) => text).find((text) => ids.has(text))
    if (id === undefined) continue
    const info = readProcess(proc, Number(name))
    if (info === null) continue
    const list = found.get(id)
    if (list === undefined) found.set(id, [info])
    else list.push(info)
  }
  return found
}

function namespacesOf(proc: string, pid: number | 'self'): { readonly pid: string; readonly mnt: string } {
  const read = (name: string): string => {
    try {
      return readlinkSync(`${proc}/${pid}/ns/${name}`)
    } catch {
      return ''
    }
  }
  return { pid: read('pid'), mnt: read('mnt') }
}

/** As `paddock up` names containers, "herd-3fa2c1_web_test-8d72f72b-web-1"; who is in one does not choose its name. */
const SERVICE = /^(.+-[0-9a-f]{6}_[a-z0-9-]+)_(?:prod|dev|test-[0-9a-f]{8})-/

/** Replicas of a service, and its test beside it, are of one image: they share its user by nature. */
function areOneService(name: string, other: string): boolean {
  const service = SERVICE.exec(name)?.[1]
  return service !== undefined && service === SERVICE.exec(other)?.[1]
}
