import type { Change } from '../cow/change.ts'
import { scanLayer } from '../cow/scan.ts'
import { pathText } from '../lib/byte-path.ts'
import { errorsOf, problemText } from '../policy/problem.ts'
import type { PolicyStore } from '../policy/store.ts'
import type { ContainerRef, FindingSource } from '../protocol/findings.ts'
import type { Trouble } from './findings/trouble-finding.ts'
import type { Followed } from './followed.ts'
import type { Herd } from './herd.ts'
import type { Intake } from './intake.ts'
import type { FileJudge } from './observe-files.ts'
import type { ProcessJudge } from './observe-processes.ts'
import { selfTest, type SelfTestResult } from './self-test.ts'
import type { Tally } from './tally.ts'
import type { Verdicts } from './verdict.ts'

/** The id under which the self-test's overlay is a container to the threads; no engine gives such a one. */
export const SELF_TEST_ID = 'self-test'

/** Goes through layer directories and processes: every few minutes, and on any doubt. It is the truth; events are the speed. */
export interface Sweeper {
  /** Queues a sweep; one that waits already is not doubled. */
  sweep(containerId: string): void
  sweepAll(): void
  /** Resolves when nothing waits and nothing runs. */
  idle(): Promise<void>
  lastSweep(): { readonly at: string; readonly durationMs: number } | null
  lastSelfTest(): ({ readonly at: string } & SelfTestResult) | null
  stop(): Promise<void>
}

interface SweeperOptions {
  readonly herd: Herd
  readonly files: FileJudge
  readonly processes: ProcessJudge
  readonly policies: PolicyStore
  readonly tally: Tally
  readonly verdicts: Pick<Verdicts, 'send'>
  readonly intake: Pick<Intake, 'listening' | 'onSelfTestMarked' | 'onSelfTestWrite'>
  readonly folder: string
  readonly everyMs: number
  readonly trouble: (
    trouble: Trouble,
    detail: string,
    options?: { container?: ContainerRef; source?: FindingSource },
  ) => void
}

/** The same bound as for events, so that a file's state reads the same from both. */
const HASH_LIMIT_BYTES = 32 << 20
const CHANGES_KEPT = 10_000

export function createSweeper(options: SweeperOptions): Sweeper {
  const { herd, files, processes, policies, tally, verdicts, intake, folder, trouble } = options
  const queue = new Set<string>()
  const stopping = new AbortController()
  const told = new Set<string>()
  let everything = true
  let running: Promise<void> | null = null
  let last: { at: string; durationMs: number } | null = null
  let tested: ({ at: string } & SelfTestResult) | null = null

  function start(): void {
    if (stopping.signal.aborted) return
    running ??= run().finally(() => {
      running = null
      if (everything || queue.size > 0) start()
    })
  }

  async function run(): Promise<void> {
    await intake.listening
    const started = performance.now()
    const whole = everything
    everything = false
    if (whole) {
      verdicts.send({ type: 'remark' })
      await test()
      readPolicies()
    }
    const ids = whole ? [...herd.all()].map(({ ref }) => ref.id) : [...queue]
    queue.clear()
    for (const id of ids) {
      const followed = herd.get(id)
      if (followed !== undefined && !stopping.signal.aborted) await sweepFiles(followed)
    }
    processes.sweep(herd.all())
    if (whole) last = { at: new Date().toISOString(), durationMs: Math.round(performance.now() - started) }
  }

  async function sweepFiles(followed: Followed): Promise<void> {
    const { layer, judge } = followed
    if (layer === null) return
    const changes: Change[] = []
    try {
      const report = await scanLayer(
        layer,
        {
          expectation: judge,
          hashes: (change) => files.mustHash(followed, change),
          hashLimitBytes: HASH_LIMIT_BYTES,
          signal: stopping.signal,
        },
        ({ change }) => {
          const whole = files.swept(followed, change)
          if (changes.length < CHANGES_KEPT) changes.push(whole)
        },
      )
      const { expected, unexpected } = report.counts
      Object.assign(followed.sweep, { at: new Date().toISOString(), expected, unexpected, changes })
      tally.count('sweeps')
      for (const { path, error } of report.unreadable.slice(0, 10))
        once('unreadable', `${pathText(path)}: ${error}`, followed.ref)
    } catch (error) {
      if (stopping.signal.aborted || followed.layer !== layer) return
      once('unreadable', `its layer directory: ${(error as Error).message}`, followed.ref)
    }
  }

  function once(kind: Trouble, detail: string, container: ContainerRef): void {
    const key = `${kind}:${container.id}:${detail}`
    if (told.has(key)) return
    if (told.size > 10_000) told.clear()
    told.add(key)
    trouble(kind, detail, { container, source: 'sweep' })
  }

  function readPolicies(): void {
    policies.reload()
    for (const problem of errorsOf(policies.problems())) {
      const text = problemText(problem)
      if (!told.has(text)) trouble('policy-problem', text)
      told.add(text)
    }
    herd.judgeAllAnew()
  }

  async function test(): Promise<void> {
    verdicts.send({ type: 'policy', containerId: SELF_TEST_ID, policy: { mode: 'deny', execAllow: [] } })
    const result = await selfTest(folder, {
      mark: (overlay) =>
        new Promise((resolve) => {
          intake.onSelfTestMarked(resolve)
          verdicts.send({ type: 'self-test', containerId: SELF_TEST_ID, overlay })
        }),
      sawWrite: (path) =>
        new Promise((resolve) =>
          intake.onSelfTestWrite((seen) => (seen.endsWith(path) ? resolve() : undefined)),
        ),
      release() {
        intake.onSelfTestMarked(null)
        intake.onSelfTestWrite(null)
        verdicts.send({ type: 'self-test-over', containerId: SELF_TEST_ID })
      },
    })
    tested = { at: new Date().toISOString(), ...result }
    if (!result.ok) trouble('self-test-failed', result.detail, { source: 'self-test' })
  }

  const timer = setInterval(() => {
    everything = true
    start()
  }, options.everyMs)

  return {
    sweep(containerId) {
      queue.add(containerId)
      start()
    },
    sweepAll() {
      everything = true
      start()
    },
    async idle() {
      if (everything) start()
      while (running !== null) await running
    },
    lastSweep: () => last,
    lastSelfTest: () => tested,
    async stop() {
      stopping.abort()
      clearInterval(timer)
      await running
    },
  }
}
