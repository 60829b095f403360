import { fstatSync, type BigIntStats } from 'node:fs'
import type { BytePath } from '../../lib/byte-path.ts'
import { reasonOf } from '../../lib/errors.ts'
import { type FanotifyEvent, respond } from '../../lib/libc/fanotify.ts'
import { close, deviceOf, inodeOf, statBuffer, statFd } from '../../lib/libc/files.ts'
import type { Leases } from '../../lib/libc/lease.ts'
import { allocate, check } from '../../lib/libc/library.ts'
import { isFileBeneath } from '../../lib/libc/resolve.ts'
import { compileGlob } from '../../policy/glob.ts'
import { compileTree, type MatchTree } from '../../policy/match-tree.ts'
import { type Lineage, processOf, readLineage } from '../process-info.ts'
import type { Place } from './containers.ts'
import { isInterpreterOfAnother, judgeExec, type Judgement, pathOf } from './judge-exec.ts'
import type { ExecPolicy, FromVerdict, VerdictSetup } from './messages.ts'
import type { VerdictStats } from './progress.ts'
import type { Roster } from './roster.ts'
import { createTokens } from './tokens.ts'
import type { Verified } from './verified.ts'

/** Answers to the kernel's questions. Each is one job, so that none waits for another's large file or late policy. */
export interface Answers {
  ask(event: FanotifyEvent): void
  setPolicy(containerId: string, policy: ExecPolicy): void
  forgetPolicy(containerId: string): void
  /** Goes on with what was put off; how long the caller may sleep, in milliseconds, -1 for as long as it likes. */
  proceed(): number
  stats(): Omit<VerdictStats, 'verified'>
}

interface Question {
  readonly event: FanotifyEvent
  readonly device: number
  readonly inode: bigint
  readonly place: Place
  readonly askedAt: bigint
}

interface Job {
  readonly question: Question
  readonly steps: Generator<undefined, Judgement>
}

interface CompiledPolicy {
  readonly mode: ExecPolicy['mode']
  readonly execAllow: MatchTree
}

interface Waiting {
  readonly question: Question
  readonly judgement: Judgement
  readonly until: number
}

const SLOW_MICROS = 5000
const POLICY_WAIT_MS = 2000
const LENT_MAXIMUM = 64
const LENT_REMEMBERED = 1024
const LINEAGES_A_SECOND = 200

export function createAnswers(
  setup: VerdictSetup,
  group: number,
  roster: Roster,
  leases: Leases,
  verified: Verified,
  post: (message: FromVerdict) => void,
): Answers {
  const scratch = allocate(4096)
  const file = statBuffer()
  const lent = new Int32Array(setup.lent)
  /** Files whose bytes the main thread was handed lately, by identity and time of change. */
  const handed = new Set<string>()
  const tokens = createTokens(LINEAGES_A_SECOND)
  const policies = new Map<string, CompiledPolicy>()
  const fallback = compile(setup.defaultPolicy)
  /** Large files that are being compared, in turns. */
  const jobs: Job[] = []
  let lastServed = ''
  let waiting: Waiting[] = []
  const counts = { events: 0, slow: 0, slowestMicros: 0 }

  function answer(fd: number, allow: boolean, askedAt: bigint): number {
    respond(group, fd, allow, scratch)
    const micros = Number(process.hrtime.bigint() - askedAt) / 1000
    counts.slowestMicros = Math.max(counts.slowestMicros, micros)
    if (micros > SLOW_MICROS) counts.slow++
    return Math.round(micros)
  }

  function ask(event: FanotifyEvent): void {
    counts.events++
    const askedAt = process.hrtime.bigint()
    check(statFd(event.fd, file), 'statx', 'a program')
    const device = deviceOf(file)
    const inode = inodeOf(file)
    const place = isOthers(event, device, inode)
      ? null
      : roster.containers.placeOf(event.fd, device, event.pid)
    if (place === null) {
      answer(event.fd, true, askedAt)
      close(event.fd)
      return
    }
    guarded({ event, device, inode, place, askedAt }, judge)
  }

  /** Not a container's own: this process, or a runtime, for which the gate is. */
  function isOthers(event: FanotifyEvent, device: number, inode: bigint): boolean {
    if (event.pid === process.pid) return true
    if (!roster.isRuntime(device, inode)) return false
    try {
      roster.gate()
    } catch (error) {
      post({ type: 'lost', what: `new containers are marked late: ${reasonOf(error)}` })
    }
    return true
  }

  /** What cannot be judged, even for a mistake of our own, is not known; other questions go on. */
  function guarded(question: Question, act: (question: Question) => void): void {
    try {
      act(question)
    } catch (error) {
      const policy = policies.get(containerOf(question)) ?? fallback
      const why = `it could not be judged: ${reasonOf(error)}`
      const path = pathOf(question.event.fd) ?? ''
      refuse(question, { kind: 'unknown', from: 'unknown', why, path }, policy)
    }
  }

  function judge(question: Question): void {
    const { event, device, inode, place } = question
    const before = verified.find(device, inode)
    // Asked before the mark was there: two processes start the same program at once.
    if (before === 'allow') {
      finish(question, true)
      return
    }
    // A dynamic loader: what matters is only how it is used.
    if (before === 'ask-always') {
      conclude(question, { kind: 'known', leased: [], isLoader: true })
      return
    }
    const steps = judgeExec(place.view, place.mount, event.fd, statOf(event.fd), leases)
    step({ question, steps })
  }

  /** One piece of one comparison: containers in turns, so that one with thousands holds up no other. */
  function proceedWithJob(): void {
    const other = jobs.findIndex(({ question }) => containerOf(question) !== lastServed)
    const [job] = jobs.splice(Math.max(0, other), 1)
    if (job === undefined) return
    lastServed = containerOf(job.question)
    guarded(job.question, () => step(job))
  }

  function step(job: Job): void {
    const { value, done } = job.steps.next()
    if (done === true) conclude(job.question, value)
    else jobs.push(job)
  }

  function conclude(question: Question, judgement: Judgement): void {
    const { containerId } = question.place.view.init
    const policy = policies.get(containerId)
    if (judgement.kind === 'known' && !judgement.isLoader) {
      allowKnown(question, judgement.leased, false)
      return
    }
    if (policy === undefined) {
      waiting.push({ question, judgement, until: Date.now() + POLICY_WAIT_MS })
      return
    }
    decide(question, judgement, policy)
  }

  function decide(question: Question, judgement: Judgement, policy: CompiledPolicy): void {
    if (judgement.kind === 'known') {
      decideLoader(question, judgement.leased, policy)
      return
    }
    if (isAllowed(question, judgement.path, policy)) {
      finish(question, true)
      return
    }
    refuse(question, judgement, policy)
  }

  function decideLoader(question: Question, leased: readonly number[], policy: CompiledPolicy): void {
    const { event, device, inode } = question
    const again = verified.find(device, inode) === 'ask-always'
    const asInterpreter =
      policy.mode === 'alert' || !setup.showsStacks || isInterpreterOfAnother(setup.proc, event.pid)
    const path = asInterpreter ? '' : (pathOf(event.fd) ?? '')
    if (asInterpreter || isAllowed(question, path, policy)) {
      if (again) finish(question, true)
      else allowKnown(question, leased, policy.mode === 'deny' && setup.showsStacks)
      return
    }
    for (const fd of leased) {
      leases.release(fd)
      if (fd !== event.fd) close(fd)
    }
    refuse(
      question,
      { kind: 'unknown', from: 'image', why: 'a dynamic loader run as a program', path },
      policy,
    )
  }

  function isAllowed({ place, event }: Question, path: string, policy: CompiledPolicy): boolean {
    // A path alone can be mounted over.
    const isNamed = policy.execAllow.matchesPath(path as BytePath).length > 0
    return isNamed && isFileBeneath(place.view.root, path.slice(1), statOf(event.fd), true)
  }

  /** Allows it now and, with a lease to make that safe, unasked from now on. */
  function allowKnown(
    { event, device, inode, place, askedAt }: Question,
    leased: readonly number[],
    askAlways: boolean,
  ) {
    // Marked before the answer, so that two starts in a row ask once.
    verified.add({
      containerId: place.view.init.containerId,
      device,
      inode,
      fd: event.fd,
      leased,
      askAlways,
    })
    answer(event.fd, true, askedAt)
  }

  function finish({ event, askedAt }: Question, allow: boolean): void {
    answer(event.fd, allow, askedAt)
    close(event.fd)
  }

  function refuse(
    question: Question,
    { from, why, path }: Extract<Judgement, { kind: 'unknown' }>,
    policy: CompiledPolicy,
  ): void {
    const { event, device, inode, place, askedAt } = question
    const deny = policy.mode === 'deny'
    const pid = processOf(setup.proc, event.pid)
    // While it is held: afterwards it may be gone.
    const lineage: Lineage | null = tokens.take()
      ? readLineage(setup.proc, pid, { pid: place.view.init.pid, pidNamespace: place.view.pidNamespace })
      : null
    const micros = answer(event.fd, !deny, askedAt)
    const fd = lend(event.fd)
    post({
      type: 'program',
      program: {
        containerId: place.view.init.containerId,
        verdict: deny ? 'denied' : 'allowed',
        path,
        from,
        why,
        pid,
        processes: lineage?.processes ?? null,
        byExec: lineage?.byExec ?? null,
        fd,
        device,
        inode,
        micros,
      },
    })
  }

  function lend(fd: number): number | null {
    const { dev, ino, ctimeNs } = statOf(fd)
    const key = `${dev}:${ino}:${ctimeNs}`
    if (!handed.has(key) && Atomics.load(lent, 0) < LENT_MAXIMUM) {
      if (handed.size >= LENT_REMEMBERED) handed.clear()
      handed.add(key)
      Atomics.add(lent, 0, 1)
      return fd
    }
    close(fd)
    return null
  }

  return {
    ask,
    setPolicy(containerId, policy) {
      const before = policies.get(containerId)
      policies.set(containerId, compile(policy))
      // What `alert` let pass unasked must be asked about under `deny`.
      if (before?.mode === 'alert' && policy.mode === 'deny') verified.forget(containerId)
      const [mine, others] = partition(waiting, ({ question }) => containerOf(question) === containerId)
      waiting = others
      for (const { question, judgement } of mine) conclude(question, judgement)
    },
    forgetPolicy: (containerId) => void policies.delete(containerId),
    proceed() {
      if (jobs.length === 0 && waiting.length === 0) return -1
      proceedWithJob()
      const now = Date.now()
      const [late, rest] = partition(waiting, (one) => one.until <= now)
      waiting = rest
      for (const { question, judgement } of late) decide(question, judgement, fallback)
      if (jobs.length > 0) return 0
      return waiting.length === 0 ? -1 : Math.max(1, Math.min(...waiting.map((one) => one.until - now)))
    },
    stats: () => counts,
  }
}

function statOf(fd: number): BigIntStats {
  return fstatSync(fd, { bigint: true })
}

function containerOf({ place }: Question): string {
  return place.view.init.containerId
}

function compile(policy: ExecPolicy): CompiledPolicy {
  return { mode: policy.mode, execAllow: compileTree(policy.execAllow.map(compileGlob)) }
}

function partition<T>(all: readonly T[], belongs: (one: T) => boolean): [T[], T[]] {
  return [all.filter(belongs), all.filter((one) => !belongs(one))]
}
