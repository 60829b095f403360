import type { ChangeKind } from '../cow/change.ts'
import type { BytePath } from '../lib/byte-path.ts'
import { compileGlob } from './glob.ts'
import { compileTree, type Folder } from './match-tree.ts'
import type { ExpectRule, Policy } from './policy.ts'
import { type ProcessJudge, compileProcesses } from './processes.ts'

/** What is judged of a change; a `Change` is one. */
export interface ChangeFacts {
  readonly path: BytePath
  readonly kind: ChangeKind
  /** Of a regular file now; null where it is none, or is gone. */
  readonly sizeBytes: number | null
}

export interface Verdict {
  readonly expected: boolean
  /** The first rule, in the order they were written, that expects it. */
  readonly rule: ExpectRule | null
}

/** A policy made ready for judging many changes. It counts what each rule was good for. */
export interface Judge {
  readonly policy: Policy
  /**
   * Whether everything below `dir` (not `dir` itself) is expected, whatever kind and size: nothing in it needs a look.
   * The rule that says so counts as used.
   */
  expectsWholeSubtree(dir: BytePath): boolean
  /**
   * Whether this name may be expected without a look at what it is: the verdict if no rule that matches it asks for a
   * kind or a size; null where `judge` must be asked, with them.
   */
  judgeName(path: BytePath): Verdict | null
  judge(change: ChangeFacts): Verdict
  /** Whether `execAllow` lets a file of the layer directory run. */
  allowsExec(path: BytePath): boolean
  readonly processes: ProcessJudge | null
  /** The rules of `expect` that expected nothing since the start or the last `forgetUse`. */
  unusedRules(): readonly ExpectRule[]
  forgetUse(): void
}

const UNEXPECTED: Verdict = { expected: false, rule: null }

/** Compiles a policy. Its globs have been checked when it was loaded; a bad one throws a GlobError here too. */
export function compilePolicy(policy: Policy): Judge {
  const rules = policy.expect
  const tree = compileTree(rules.map((rule) => compileGlob(rule.glob)))
  const execTree = compileTree(policy.execAllow.map((rule) => compileGlob(rule.glob)))
  const verdicts = rules.map((rule): Verdict => ({ expected: true, rule }))
  const unconditional = rules.map((rule) => rule.kinds === null && rule.maxSizeBytes === null)
  const used = new Uint8Array(rules.length)

  function decided(index: number): Verdict {
    if (index === rules.length) return UNEXPECTED
    used[index] = 1
    return verdicts[index] ?? UNEXPECTED
  }

  return {
    policy,
    expectsWholeSubtree(dir) {
      const first = firstBelow(tree.folder(dir), unconditional)
      return decided(first).expected
    },
    judgeName(path) {
      let first = rules.length
      for (const index of tree.matchesPath(path)) {
        if (unconditional[index] !== true) return null
        if (index < first) first = index
      }
      return decided(first)
    },
    judge({ path, kind, sizeBytes }) {
      let first = rules.length
      for (const index of tree.matchesPath(path)) {
        if (index < first && applies(rules[index], kind, sizeBytes)) first = index
      }
      return decided(first)
    },
    allowsExec: (path) => execTree.matchesPath(path).length > 0,
    processes: policy.processes === null ? null : compileProcesses(policy.processes),
    unusedRules: () => rules.filter((_, index) => used[index] === 0),
    forgetUse() {
      used.fill(0)
    },
  }
}

function firstBelow(folder: Folder, unconditional: readonly boolean[]): number {
  let first = unconditional.length
  for (const index of folder.below) if (index < first && unconditional[index] === true) first = index
  return first
}

function applies(rule: ExpectRule | undefined, kind: ChangeKind, sizeBytes: number | null): boolean {
  if (rule === undefined) return false
  if (rule.kinds !== null && !rule.kinds.has(kind)) return false
  return rule.maxSizeBytes === null || (sizeBytes ?? 0) <= rule.maxSizeBytes
}
