import type { BytePath } from '../lib/byte-path.ts'
import { bytePathFromText } from '../lib/byte-path.ts'
import { compileGlob } from './glob.ts'
import { compileTree } from './match-tree.ts'
import type { ProcessRule } from './policy.ts'
import { compileSegment, type Segment } from './segment.ts'

/** What is judged of a process. */
export interface ProcessFacts {
  /** `/proc/<pid>/exe` as a path inside the container; null where it is none there (memfd, deleted, unreadable). */
  readonly exe: BytePath | null
  /** Effective user inside the container. */
  readonly uid: number
  /** Its name in the image's passwd (the container's own may have been changed); null where it has none. */
  readonly user: string | null
  /** The arguments without argv[0], joined by single spaces; bytes, one per character. Null: gone before they could be read. */
  readonly args: string | null
}

export interface ProcessJudge {
  /** The first rule that expects this process; null where none does. */
  judge(process: ProcessFacts): ProcessRule | null
  /** The required rules that none of these processes meets. */
  missing(processes: readonly ProcessFacts[]): readonly ProcessRule[]
}

/** Compiles `processes`. `*` in `args` also stands for spaces and slashes. */
export function compileProcesses(rules: readonly ProcessRule[]): ProcessJudge {
  const tree = compileTree(rules.map((rule) => compileGlob(rule.exe)))
  const args = rules.map((rule): Segment | null => (rule.args === null ? null : compileArguments(rule.args)))

  function meets(process: ProcessFacts): number[] {
    if (process.exe === null) return []
    return [...tree.matchesPath(process.exe)]
      .sort((a, b) => a - b)
      .filter((index) => {
        const rule = rules[index]
        if (rule === undefined) return false
        const userMeets =
          rule.user === null || rule.user === process.user || rule.user === String(process.uid)
        return userMeets && (process.args === null || args[index]?.matches(process.args) !== false)
      })
  }

  return {
    judge(process) {
      const first = meets(process)[0]
      return first === undefined ? null : (rules[first] ?? null)
    },
    missing(processes) {
      const met = new Set(processes.flatMap(meets))
      return rules.filter((rule, index) => rule.required && !met.has(index))
    },
  }
}

/** The pattern of `args`: the wildcards of one name, over the whole text. @throws GlobError */
export function compileArguments(text: string): Segment {
  return compileSegment(bytePathFromText(text))
}
