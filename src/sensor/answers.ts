import type { Change } from '../cow/change.ts'
import { pathFromJson, pathJson } from '../lib/byte-path.ts'
import { assess, severities } from '../policy/severity.ts'
import type { ChangeItem, ContainerStatus, PartStatus, PolicyLine } from '../protocol/answers.ts'
import type { Severity } from '../protocol/findings.ts'
import type { Cause } from '../protocol/requests.ts'
import { changeAt, openForTurn, type OpenForTurn } from './change-at.ts'
import { side } from './findings/change-finding.ts'
import { processRef } from './findings/who.ts'
import type { Followed } from './followed.ts'
import type { Herd } from './herd.ts'
import { factsOf, type ProcessJudge } from './observe-processes.ts'
import type { SensorAnswers } from './ports.ts'
import { parseStat, readProcFile } from './process-info.ts'
import type { Sweeper } from './sweeper.ts'
import type { Tally } from './tally.ts'
import type { Verdicts } from './verdict.ts'

interface AnswersOptions {
  readonly host: string
  readonly herd: Herd
  readonly processes: ProcessJudge
  readonly sweeper: Sweeper
  readonly verdicts: Pick<Verdicts, 'stats'>
  readonly tally: Tally
  readonly proc: string
}

/** What watch is told when it asks: from memory, but for what `present` looks at. */
export function answersOf({
  host,
  herd,
  processes,
  sweeper,
  verdicts,
  tally,
  proc,
}: AnswersOptions): SensorAnswers {
  const open = openForTurn()
  return {
    status: () => ({
      host,
      lastSweep: sweeper.lastSweep(),
      selfTest: sweeper.lastSelfTest(),
      counters: { ...tally.counters(), ...verdictCounters(verdicts) },
      parts: partsOf(tally),
    }),
    containers: () => [...herd.all()].map((one) => containerStatus(one, processes)),
    changes: (container) => herd.get(container)?.sweep.changes.map(changeItem) ?? null,
    processes(container) {
      const one = herd.get(container)
      if (one === undefined) return null
      return processes.processesOf(container).map((info) => {
        const facts = factsOf(one, info)
        const judge = one.judge.processes
        return {
          process: processRef(info),
          user: facts?.user ?? String(info.uidInside ?? info.uid ?? ''),
          expected: judge === null || facts === null ? null : judge.judge(facts) !== null,
        }
      })
    },
    policy: (container) => policyLines(herd.get(container)),
    present: (causes) => causes.map((cause) => isPresent(cause, herd, proc, open)),
    sweep(container) {
      if (container === null) sweeper.sweepAll()
      else if (herd.get(container) === undefined) return false
      else sweeper.sweep(container)
      return true
    },
  }
}

function verdictCounters(verdicts: Pick<Verdicts, 'stats'>): Record<string, number> {
  const { events, slow, slowestMicros, verified } = verdicts.stats()
  return { verdicts: events, slowVerdicts: slow, slowestVerdictMicros: Math.round(slowestMicros), verified }
}

function partsOf(tally: Tally): readonly PartStatus[] {
  return [...tally.lost].map((what, index) => ({
    name: `guarantee ${index + 1}`,
    state: 'lost',
    detail: what,
  }))
}

function containerStatus(one: Followed, processes: ProcessJudge): ContainerStatus {
  return {
    container: one.ref,
    state: one.container.state,
    exec: one.judge.policy.exec,
    expected: one.sweep.expected,
    unexpected: one.sweep.unexpected,
    worst: worstOf(one.sweep.changes),
    processes: processes.processesOf(one.ref.id).length,
    missing: processes.missingOf(one.ref.id),
    fromFirstInstruction: one.marked?.by === 'gate',
    lastSweepAt: one.sweep.at,
  }
}

function worstOf(changes: readonly Change[]): Severity | null {
  let worst = -1
  for (const change of changes) worst = Math.max(worst, severities.indexOf(assess(change).severity))
  return severities[worst] ?? null
}

function changeItem(change: Change): ChangeItem {
  return {
    path: pathJson(change.path),
    kind: change.kind,
    type: change.type,
    expected: false,
    rule: null,
    ...assess(change),
    now: side(change.now, change.sha256),
    was: side(change.was, change.wasSha256),
  }
}

function policyLines(one: Followed | undefined): readonly PolicyLine[] | null {
  if (one === undefined) return null
  const { expect, processes, exec, execAllow } = one.judge.policy
  const line = (text: string, source: { file: string; line: number }): PolicyLine => ({
    text,
    source: `${source.file}:${source.line}`,
  })
  return [
    ...expect.map((rule) => line(`expect ${rule.glob}`, rule.source)),
    ...(processes ?? []).map((rule) => line(`process ${rule.exe}`, rule.source)),
    { text: `exec ${exec}`, source: 'as merged' },
    ...execAllow.map((rule) => line(`execAllow ${rule.glob}`, rule.source)),
  ]
}

function isPresent(cause: Cause, herd: Herd, proc: string, open: OpenForTurn): boolean | null {
  // The sensor's own trouble is an event: whether it lasts is not known from here.
  if (cause.kind === 'trouble') return null
  const one = herd.get(cause.container)
  if (one === undefined) return false
  if (cause.kind === 'process')
    return parseStat(readProcFile(`${proc}/${cause.pid}/stat`))?.startTicks === cause.startTicks
  return one.layer === null ? null : changeAt(open, one.layer, pathFromJson(cause.path), false) !== null
}
