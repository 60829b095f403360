import { setTimeout as sleep } from 'node:timers/promises'
import type { EngineEvent, EngineKind, EngineReader } from '../engine/reader.ts'
import { UserError } from '../lib/errors.ts'
import type { ExecMode } from '../policy/policy.ts'
import { problemText } from '../policy/problem.ts'
import type { PolicyStore } from '../policy/store.ts'
import type { ContainerRef } from '../protocol/findings.ts'
import type { Trouble } from './findings/trouble-finding.ts'
import type { EngineFollower } from './follow-engine.ts'
import { type Followed, followContainer, judgeAnew, layerOf } from './followed.ts'
import type { KernelEvents } from './kernel.ts'
import type { FileJudge } from './observe-files.ts'
import { findRuntimes, layerRootsOf } from './runtimes.ts'
import type { Sweeper } from './sweeper.ts'
import type { Verdicts } from './verdict.ts'
import type { MarkedContainer } from './verdict/messages.ts'

/** All containers of all engines, and what each of the sensor's threads must know of them. */
export interface Herd extends EngineFollower {
  connect(parts: HerdParts): void
  get(containerId: string): Followed | undefined
  all(): IterableIterator<Followed>
  marked(container: MarkedContainer): void
  ended(containerId: string, pid: number): void
  /** Resolves when the engine's containers were listed once, or it was found not to answer. */
  listed(engine: EngineReader): Promise<void>
  /** Tells a new thread of verdicts all that the old one knew: it marks every container anew. */
  announceAll(): void
  /** Tells a new thread of kernel events what it is to listen to: the marks stand. */
  watchAll(): void
  judgeAllAnew(): void
  stop(): void
}

export interface HerdParts {
  readonly verdicts: Pick<Verdicts, 'send'>
  readonly kernel: Pick<KernelEvents, 'send'>
  readonly sweeper: Pick<Sweeper, 'sweep' | 'sweepAll'>
  readonly intake: { followed(containerId: string): void }
  readonly files: Pick<FileJudge, 'forget'>
}

interface HerdOptions {
  readonly policies: PolicyStore
  readonly exec: ExecMode
  readonly proc: string
  readonly trouble: (trouble: Trouble, detail: string, options?: { container?: ContainerRef }) => void
}

const EARLY_MAXIMUM = 256
const LIST_PATIENCE_MS = 10_000
/** One that restarts, or that the host starts after the sensor, is no trouble. */
const ENGINE_PATIENCE_MS = 10_000
const FIRST_SWEEP_MS = 1000

export function createHerd({ policies, exec, proc, trouble }: HerdOptions): Herd {
  const followed = new Map<string, Followed>()
  const engines = new Map<EngineReader, { kind: EngineKind; dataRoot: string }>()
  const silent = new Map<EngineReader, NodeJS.Timeout>()
  /** Marked by the gate before the engine told of them. */
  const early = new Map<string, MarkedContainer>()
  const firstList = new Map<EngineReader, PromiseWithResolvers<null>>()
  let parts: HerdParts | null = null

  function theParts(): HerdParts {
    if (parts === null) throw new Error('the herd is not connected yet')
    return parts
  }

  function listedOnce(engine: EngineReader): PromiseWithResolvers<null> {
    const known = firstList.get(engine)
    if (known !== undefined) return known
    const made = Promise.withResolvers<null>()
    firstList.set(engine, made)
    return made
  }

  function announceHost(): void {
    const { verdicts } = theParts()
    verdicts.send({
      type: 'layer-roots',
      layerRoots: [...engines.values()].flatMap((one) => layerRootsOf(one.dataRoot)),
    })
    verdicts.send({ type: 'runtimes', ...findRuntimes(proc) })
  }

  function announcePolicy({ ref, judge }: Followed): void {
    const execAllow = judge.policy.execAllow.map((rule) => rule.glob)
    theParts().verdicts.send({
      type: 'policy',
      containerId: ref.id,
      policy: { mode: judge.policy.exec, execAllow },
    })
    announceFollowed(ref.id, judge)
  }

  function announceFollowed(containerId: string, { processes }: Followed['judge']): void {
    theParts().kernel.send({ type: 'follow', containerId, all: processes !== null })
  }

  function announceInit({ container }: Followed): void {
    if (container.pid > 0)
      theParts().verdicts.send({ type: 'adopt', init: { containerId: container.id, pid: container.pid } })
  }

  function setMarked(one: Followed, marked: MarkedContainer): void {
    one.marked = marked
    one.layer = layerOf(one.container, marked, proc)
    theParts().kernel.send({ type: 'watch', container: marked })
    for (const refused of marked.refused) trouble('mark-refused', refused, { container: one.ref })
    const { sweeper } = theParts()
    // What it did from its first instruction on is told by events, which know who did it; the sweep comes behind them.
    if (marked.by === 'gate') setTimeout(() => sweeper.sweep(one.ref.id), FIRST_SWEEP_MS).unref()
    else sweeper.sweep(one.ref.id)
  }

  async function touched(
    engine: EngineReader,
    containerId: string,
    _event: EngineEvent | null,
  ): Promise<void> {
    const known = engines.get(engine)
    if (known === undefined) return
    let container
    try {
      container = await engine.container(containerId)
    } catch (error) {
      // Removed meanwhile, or the engine is going: its events or their end will tell.
      if (error instanceof UserError) return
      throw error
    }
    let one = followed.get(containerId)
    if (one === undefined) {
      one = await followContainer(engine, known.kind, container, policies, exec)
      followed.set(containerId, one)
    } else judgeAnew(one, container, policies, exec)
    for (const problem of one.problems)
      trouble('policy-problem', problemText(problem), { container: one.ref })
    announcePolicy(one)
    const before = early.get(containerId)
    early.delete(containerId)
    if (before !== undefined && one.marked === null) setMarked(one, before)
    theParts().intake.followed(containerId)
    if (one.marked?.init.pid !== container.pid) announceInit(one)
  }

  return {
    connect(connected) {
      parts = connected
    },
    get: (containerId) => followed.get(containerId),
    all: () => followed.values(),
    async connected(engine) {
      const { kind, dataRoot } = await engine.info()
      engines.set(engine, { kind, dataRoot })
      announceHost()
      // What went while nobody looked.
      const there = new Set((await engine.containers({ all: true })).map(({ id }) => id))
      for (const [id, one] of followed) if (one.engine === engine && !there.has(id)) this.removed(id)
      for (const id of there) await touched(engine, id, null)
      clearTimeout(silent.get(engine))
      if (silent.delete(engine)) theParts().sweeper.sweepAll()
      listedOnce(engine).resolve(null)
    },
    touched,
    removed(containerId) {
      followed.delete(containerId)
      early.delete(containerId)
      theParts().verdicts.send({ type: 'forget', containerId })
      for (const type of ['unwatch', 'unfollow'] as const) theParts().kernel.send({ type, containerId })
      theParts().files.forget(containerId)
    },
    lost(engine, why) {
      if (silent.has(engine)) return
      const tell = (): void => trouble('engine-lost', `${engine.address}: ${why}`)
      silent.set(engine, setTimeout(tell, ENGINE_PATIENCE_MS).unref())
    },
    marked(container) {
      const { containerId } = container.init
      const one = followed.get(containerId)
      if (one !== undefined) {
        setMarked(one, container)
        return
      }
      if (early.size >= EARLY_MAXIMUM) early.clear()
      early.set(containerId, container)
    },
    ended(containerId, pid) {
      early.delete(containerId)
      const one = followed.get(containerId)
      if (one?.marked?.init.pid !== pid) return
      one.marked = null
      one.layer = null
      theParts().kernel.send({ type: 'unwatch', containerId })
    },
    async listed(engine) {
      await Promise.race([listedOnce(engine).promise, sleep(LIST_PATIENCE_MS, undefined, { ref: false })])
    },
    watchAll() {
      const { kernel } = theParts()
      for (const [containerId, { marked, judge }] of followed) {
        announceFollowed(containerId, judge)
        if (marked !== null) kernel.send({ type: 'watch', container: marked })
      }
      theParts().sweeper.sweepAll()
    },
    announceAll() {
      announceHost()
      for (const one of followed.values()) {
        announcePolicy(one)
        one.marked = null
        announceInit(one)
      }
      // The self-test that comes with it proves that the new one sees.
      theParts().sweeper.sweepAll()
    },
    judgeAllAnew() {
      for (const one of followed.values()) {
        judgeAnew(one, one.container, policies, exec)
        announcePolicy(one)
      }
    },
    stop() {
      for (const timer of silent.values()) clearTimeout(timer)
    },
  }
}
