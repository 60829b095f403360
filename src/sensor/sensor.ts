import { closeSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { EngineReader } from '../engine/reader.ts'
import { fanotifyInit, INIT } from '../lib/libc/fanotify.ts'
import { errorText } from '../lib/libc/library.ts'
import type { ExecMode } from '../policy/policy.ts'
import type { PolicyStore } from '../policy/store.ts'
import { answersOf } from './answers.ts'
import { openAudits } from './audits.ts'
import { createFold } from './fold.ts'
import { createHerd } from './herd.ts'
import { createIntake } from './intake.ts'
import { followEngine } from './follow-engine.ts'
import { troubleFinding } from './findings/trouble-finding.ts'
import { createFileJudge } from './observe-files.ts'
import { createProcessJudge } from './observe-processes.ts'
import type { EvidenceStore, FindingSink, SensorAnswers } from './ports.ts'
import { createSweeper } from './sweeper.ts'
import { createTally } from './tally.ts'
import { keepKernelEvents, keepVerdicts } from './threads.ts'
import { watchClock } from './watch-clock.ts'

export interface SensorOptions {
  readonly engines: readonly EngineReader[]
  readonly policies: PolicyStore
  readonly sink: FindingSink
  readonly evidence: EvidenceStore
  /** What holds where policy says nothing. */
  readonly exec: ExecMode
  /** On a real disk, of ours, root's only: the self-test's overlay is made in it. */
  readonly folder: string
  readonly proc?: string
  readonly sweepEveryMs?: number
}

export interface Sensor {
  readonly answers: SensorAnswers
  /** Resolves when every container that ran at the start is marked and swept, and the self-test was made. */
  readonly ready: Promise<void>
  /** Reads policy anew. */
  reload(): void
  stop(): Promise<void>
}

const SWEEP_EVERY_MS = 5 * 60_000
const WATCHED_DIRECTORIES = 16_384

/** Starts all that sees and judges. Kernel features that are missing cost a guarantee each, which is said, never the whole. */
export function startSensor(options: SensorOptions): Sensor {
  const { policies, exec, proc = '/proc' } = options
  const stopping = new AbortController()
  const tally = createTally()
  const fold = createFold(options.sink)
  const trouble = (...args: Parameters<typeof troubleFinding>): void => {
    tally.count(args[0])
    fold.emit(troubleFinding(...args))
  }

  const changes = fanotifyInit(INIT.CLOEXEC | INIT.NONBLOCK | INIT.UNLIMITED_MARKS)
  if (changes < 0) trouble('guarantee-lost', `writes are seen by the sweep only: ${errorText(changes)}`)

  const files = createFileJudge(fold, options.evidence)
  const processes = createProcessJudge(proc, fold)
  const herd = createHerd({ policies, exec, proc, trouble })
  const intake = createIntake({ herd, files, processes, fold, evidence: options.evidence, tally, trouble })
  const verdicts = keepVerdicts(
    { proc, changes, defaultPolicy: { mode: exec, execAllow: [] }, onMessage: intake.fromVerdict },
    { trouble, restarted: () => herd.announceAll() },
  )
  const kernel = keepKernelEvents(
    { proc, changes, watchedDirectories: WATCHED_DIRECTORIES, onMessage: intake.fromKernel },
    { trouble, restarted: () => herd.watchAll() },
  )
  const sweeper = createSweeper({
    herd,
    files,
    processes,
    policies,
    tally,
    trouble,
    verdicts,
    intake,
    folder: join(options.folder, 'self-test'),
    everyMs: options.sweepEveryMs ?? SWEEP_EVERY_MS,
  })
  herd.connect({ verdicts, kernel, sweeper, intake, files })
  intake.connect({ verdicts, kernel, sweeper })
  const clock = watchClock((jumpMs) => {
    trouble('clock-jump', `by ${Math.round(jumpMs)} ms`)
    sweeper.sweepAll()
  })
  const audits = openAudits({
    folder: options.folder,
    // Not by the fold: once it is taken in it must be kept.
    sink: options.sink,
    unreadable: (what) => {
      trouble('unreadable', what)
    },
  })
  const follower = audits.listening(herd)
  const following = options.engines.map((engine) => followEngine(engine, follower, stopping.signal))

  return {
    answers: answersOf({ host: hostname(), herd, processes, sweeper, verdicts, tally, proc }),
    ready: Promise.all(options.engines.map((engine) => herd.listed(engine))).then(() => sweeper.idle()),
    reload() {
      policies.reload()
      herd.judgeAllAnew()
      sweeper.sweepAll()
    },
    async stop() {
      stopping.abort()
      clock.stop()
      audits.stop()
      herd.stop()
      await sweeper.stop()
      await Promise.all([verdicts.stop(), kernel.stop(), ...following])
      intake.stop()
      processes.stop()
      files.stop()
      if (changes >= 0) closeSync(changes)
      fold.stop()
    },
  }
}
