import { withReadable } from '../lib/libc/event-file.ts'
import type { ContainerRef } from '../protocol/findings.ts'
import { execFacts, execFinding } from './findings/exec-finding.ts'
import type { Trouble } from './findings/trouble-finding.ts'
import { createEarly } from './early.ts'
import type { Fold } from './fold.ts'
import type { Herd } from './herd.ts'
import type { KernelEvents } from './kernel.ts'
import type { Batch, FromKernel, Named, Written } from './kernel/messages.ts'
import type { FileJudge } from './observe-files.ts'
import type { ProcessJudge } from './observe-processes.ts'
import type { EvidenceStore } from './ports.ts'
import type { Lineage } from './process-info.ts'
import { SELF_TEST_ID, type Sweeper } from './sweeper.ts'
import { createStrays } from './strays.ts'
import type { Tally } from './tally.ts'
import type { Verdicts } from './verdict.ts'
import type { FromVerdict, InitProcess, MarkedContainer, UnknownProgram } from './verdict/messages.ts'

/** What comes from the two threads: each message to who judges it. */
export interface Intake {
  connect(parts: IntakeParts): void
  readonly fromVerdict: (message: FromVerdict) => void
  readonly fromKernel: (message: FromKernel) => void
  /** Resolves when both threads have run for the first time. */
  readonly listening: Promise<unknown>
  /** Of the self-test's overlay. */
  onSelfTestMarked(call: (() => void) | null): void
  onSelfTestWrite(call: ((path: string) => void) | null): void
  /** The engine told of this container: what it did before is judged now. */
  followed(containerId: string): void
  stop(): void
}

export interface IntakeParts {
  readonly verdicts: Pick<Verdicts, 'giveBack'>
  readonly kernel: Pick<KernelEvents, 'giveBack'>
  readonly sweeper: Pick<Sweeper, 'sweepAll' | 'sweep'>
}

interface IntakeOptions {
  readonly herd: Herd
  readonly files: FileJudge
  readonly processes: ProcessJudge
  readonly fold: Fold
  readonly evidence: EvidenceStore
  readonly tally: Tally
  readonly trouble: (trouble: Trouble, detail: string, options?: { container?: ContainerRef }) => void
}

/** A name may be told before its content was written: judged a moment later, once. */
const SETTLE_MS = 100
const SETTLING_MAXIMUM = 10_000
const GONE_MS = 5000
/** Who floods a queue for long causes one sweep of all in this time, not one after the other. */
const OVERFLOW_SWEEP_MS = 5000
const OTHER_ENGINES = 'it belongs to another engine'

export function createIntake(options: IntakeOptions): Intake {
  const { herd, files, processes, fold, evidence, tally, trouble } = options
  const devices = new Map<number, MarkedContainer>()
  const mountIds = new Map<number, MarkedContainer>()
  const settling = new Map<string, Named>()
  let settleTimer: NodeJS.Timeout | null = null
  let sweptForOverflow: { timer: NodeJS.Timeout; again: boolean } | null = null
  let parts: IntakeParts | null = null
  let selfTestMarked: (() => void) | null = null
  let selfTestWrite: ((path: string) => void) | null = null
  const earlyWrites = createEarly(256)
  // Apart, so that no flood of files keeps a program out.
  const earlyPrograms = createEarly(256, 64)
  const earlyProcesses = createEarly(1024, 64)
  const earlyQueues = [earlyWrites, earlyPrograms, earlyProcesses]
  const strays = createStrays()
  const verdictsRun = Promise.withResolvers<null>()
  const kernelRuns = Promise.withResolvers<null>()

  function theParts(): IntakeParts {
    if (parts === null) throw new Error('the intake is not connected yet')
    return parts
  }

  function marked(container: MarkedContainer): void {
    for (const mount of container.mounts) {
      mountIds.set(mount.mountId, container)
      if (mount.own) devices.set(mount.device, container)
    }
    if (container.init.containerId === SELF_TEST_ID) selfTestMarked?.()
    else herd.marked(container)
    for (const written of strays.take()) wrote(written)
  }

  function unmarked(containerId: string, pid: number): void {
    for (const map of [devices, mountIds])
      for (const [key, { init }] of map)
        if (init.containerId === containerId && init.pid === pid) map.delete(key)
    if (containerId !== SELF_TEST_ID) herd.ended(containerId, pid)
  }

  function notMarked({ containerId, pid }: InitProcess, why: string): void {
    const followed = herd.get(containerId)
    if (followed === undefined || why === OTHER_ENGINES) return
    const tell = (): void => trouble('container-not-marked', why, { container: followed.ref })
    if (!why.startsWith('its init is gone')) {
      tell()
      return
    }
    // Then the engine's word for it is on its way. Where that does not come, nobody looks after it.
    setTimeout(() => {
      const { marked, container } = herd.get(containerId) ?? { marked: null, container: null }
      if (marked === null && container?.state === 'running' && container.pid === pid) tell()
    }, GONE_MS).unref()
  }

  function program(unknown: UnknownProgram): void {
    tally.count(unknown.verdict)
    const { containerId } = unknown
    if (herd.get(containerId) === undefined) {
      if (earlyPrograms.keep(containerId, () => judgeProgram(unknown))) return
      trouble('queue-overflow', 'of programs of a container that the engine has not told of yet')
    }
    judgeProgram(unknown)
  }

  function judgeProgram(unknown: UnknownProgram): void {
    const followed = herd.get(unknown.containerId)
    if (followed !== undefined) {
      const facts = execFacts(unknown)
      const kept =
        unknown.fd === null
          ? null
          : withReadable(unknown.fd, (fd) =>
              evidence.keep(fd, { containerId: unknown.containerId, path: facts.path, ...NO_METADATA }),
            )
      const who = unknown.processes === null ? null : { processes: unknown.processes, byExec: unknown.byExec }
      fold.emit(execFinding(followed.ref, 'fanotify', facts, who, kept))
    }
    if (unknown.fd !== null) theParts().verdicts.giveBack(unknown.fd)
  }

  function giveBack({ fd }: Written): void {
    if (fd !== null) theParts().kernel.giveBack(fd)
  }

  function wrote(written: Written): void {
    const container = devices.get(written.device) ?? mountIds.get(written.mountId)
    if (container === undefined) {
      if (!strays.keep(written)) giveBack(written)
      return
    }
    const { containerId } = container.init
    const judge = (): void => {
      try {
        judgeWritten(written, container)
      } finally {
        giveBack(written)
      }
    }
    const isKnown = containerId === SELF_TEST_ID || herd.get(containerId) !== undefined
    if (isKnown || !earlyWrites.keep(containerId, judge)) judge()
  }

  function judgeWritten(written: Written, container: MarkedContainer): void {
    const { containerId } = container.init
    if (containerId === SELF_TEST_ID) {
      selfTestWrite?.(written.path)
      return
    }
    const followed = herd.get(containerId)
    // The sweep that comes with its being followed sees it.
    if (followed === undefined) return
    const mount =
      container.mounts.find(({ own, device }) => own && device === written.device) ??
      container.mounts.find(({ mountId }) => mountId === written.mountId)
    const seen = { ...written, who: upToInit(written.who, container.init.pid) }
    if (mount?.origin === 'layer') {
      settling.delete(`${containerId}:${written.path}`)
      files.wroteLayer(followed, seen)
    } else files.wroteElsewhere(followed, seen)
  }

  function settle(): void {
    settleTimer = null
    const all = [...settling.values()]
    settling.clear()
    for (const named of all) {
      const followed = herd.get(named.containerId)
      if (followed !== undefined) files.touched(followed, named)
    }
  }

  function named(one: Named): void {
    if (settling.size >= SETTLING_MAXIMUM) settle()
    settling.set(`${one.containerId}:${one.path}`, one)
    settleTimer ??= setTimeout(settle, SETTLE_MS)
  }

  function takeBatch(batch: Batch): void {
    tally.count('events', batch.written.length + batch.named.length + batch.started.length)
    for (const written of strays.takeOld()) giveBack(written)
    for (const started of batch.started) {
      const { containerId } = started
      const judge = () => {
        const followed = herd.get(containerId)
        if (followed !== undefined) processes.started(followed, started)
      }
      if (herd.get(containerId) === undefined) earlyProcesses.keep(containerId, judge)
      else judge()
    }
    for (const one of batch.named) named(one)
    for (const written of batch.written) wrote(written)
  }

  function sweepForOverflow(): void {
    if (sweptForOverflow !== null) {
      sweptForOverflow.again = true
      return
    }
    theParts().sweeper.sweepAll()
    const timer = setTimeout(() => {
      const again = sweptForOverflow?.again === true
      sweptForOverflow = null
      if (again) sweepForOverflow()
    }, OVERFLOW_SWEEP_MS)
    sweptForOverflow = { timer, again: false }
  }

  function lost(what: string): void {
    if (tally.lost.has(what)) return
    tally.lost.add(what)
    trouble('guarantee-lost', what)
  }

  const verdictMessages: {
    readonly [T in FromVerdict['type']]: (m: Extract<FromVerdict, { type: T }>) => void
  } = {
    ready: () => verdictsRun.resolve(null),
    marked: ({ container }) => marked(container),
    'not-marked': ({ init, why }) => notMarked(init, why),
    ended: ({ init }) => unmarked(init.containerId, init.pid),
    program: ({ program: unknown }) => program(unknown),
    lost: ({ what }) => lost(what),
    overflow: () => trouble('queue-overflow', 'of verdicts'),
  }
  const kernelMessages: {
    readonly [T in FromKernel['type']]: (m: Extract<FromKernel, { type: T }>) => void
  } = {
    ready: () => kernelRuns.resolve(null),
    batch: ({ batch }) => takeBatch(batch),
    overflow: ({ source }) => {
      trouble('queue-overflow', `of ${source}`)
      sweepForOverflow()
    },
    lost: ({ what }) => lost(what),
    unwatched: ({ containerId, directories }) => {
      const container = herd.get(containerId)?.ref
      if (container !== undefined)
        trouble('mark-refused', `${directories} folders of its layer directory are seen by the sweep only`, {
          container,
        })
    },
  }

  return {
    connect(connected) {
      parts = connected
    },
    fromVerdict: (message) => (verdictMessages[message.type] as (m: FromVerdict) => void)(message),
    fromKernel: (message) => (kernelMessages[message.type] as (m: FromKernel) => void)(message),
    listening: Promise.all([verdictsRun.promise, kernelRuns.promise]),
    onSelfTestMarked: (call) => void (selfTestMarked = call),
    onSelfTestWrite: (call) => void (selfTestWrite = call),
    followed(containerId) {
      for (const queue of earlyQueues) queue.followed(containerId)
    },
    stop() {
      if (settleTimer !== null) clearTimeout(settleTimer)
      if (sweptForOverflow !== null) clearTimeout(sweptForOverflow.timer)
      for (const queue of earlyQueues) queue.stop()
      for (const written of strays.take()) giveBack(written)
    },
  }
}

/** Of a lineage that was read before the container's init was known. */
function upToInit(who: Lineage | null, init: number): Lineage | null {
  const at = who?.processes.findIndex(({ pid }) => pid === init) ?? -1
  return who === null || at === -1 ? who : { processes: who.processes.slice(0, at + 1), byExec: false }
}

const NO_METADATA = { mode: 0, uid: 0, gid: 0, mtimeNs: 0n }
