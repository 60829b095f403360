import { pathText } from '../lib/byte-path.ts'
import type { Judge } from './judge.ts'
import { generaliseChanges } from './learn/globs.ts'
import { generaliseProcesses } from './learn/processes.ts'
import type { Learnt, SeenChange, SeenProcess } from './learn/seen.ts'

export interface Seen {
  readonly changes: readonly SeenChange[]
  readonly processes: readonly SeenProcess[]
}

export interface LearnOptions {
  /** Whether programs and setuid files that are not the image's may be learnt. */
  readonly trustPrograms: boolean
  /** What is expected already is not learnt again. Null: nothing is. */
  readonly known: Judge | null
}

/**
 * The policy of what a service did while it was watched, as far as it may be learnt: pure, and in an order of its own.
 * What is grave is left to a person, whatever is trusted: a program only where `trustPrograms` says so.
 */
export function learn(seen: Seen, { trustPrograms, known }: LearnOptions): Learnt {
  const news = seen.changes.filter((change) => known === null || !isExpected(change, known))
  const isLeftOut = ({ grave }: SeenChange) => grave !== null && !(grave.isProgram && trustPrograms)
  const others = seen.processes.filter((process) => known === null || !isKnown(process, known))
  const { processes, execAllow, leftOut } = generaliseProcesses(others, trustPrograms)
  return {
    expect: generaliseChanges(news.filter((change) => !isLeftOut(change))),
    processes,
    execAllow: execAllow.filter(
      ({ glob }) => !(known?.policy.execAllow.some((rule) => rule.glob === glob) ?? false),
    ),
    leftOut: [
      ...news.filter(isLeftOut).map(({ path, grave }) => ({ what: pathText(path), why: grave?.why ?? '' })),
      ...leftOut,
    ],
  }
}

function isExpected({ path, kinds, largestBytes }: SeenChange, known: Judge): boolean {
  return [...kinds].every((kind) => known.judge({ path, kind, sizeBytes: largestBytes }).expected)
}

function isKnown({ exe, user, args }: SeenProcess, known: Judge): boolean {
  // A name is enough: where a rule gives a number, the name is what that number has in the image.
  const uid = /^\d+$/.test(user) ? Number(user) : -1
  return known.processes !== null && known.processes.judge({ exe, user, uid, args }) !== null
}
