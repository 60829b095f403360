import { existsSync, readdirSync } from 'node:fs'
import { visitProcessors } from '../../lib/libc/processor.ts'
import { readProcFile } from '../process-info.ts'

/** Of the steps of `untilNobodyStarts`: go on at once, or after a moment. */
export type Step = 'at once' | 'later'

const PROCESSES_A_STEP = 16
/** So often a thread must have been put off its processor without being seen at the start of a program. */
const VISITS = 3

/**
 * Ends when no thread of the container stands in the kernel between the check of a program and the point from which
 * nobody can open it for writing any more (`deny_write_access` in `do_open_execat`, fs/exec.c). Only then may a writer go on:
 * a thread that was put off the processor just there would otherwise start what the writer makes of the file.
 * What starts later is asked about, for the ignore mark is gone before this begins.
 */
export function* untilNobodyStarts(proc: string, containerId: string): Generator<Step, void> {
  let threads: { readonly folder: string; visits: number }[] = []
  let count = 0
  for (const pid of numbers(proc)) {
    if (++count % PROCESSES_A_STEP === 0) yield 'at once'
    const groups = readProcFile(`${proc}/${pid}/cgroup`)
    if (groups?.includes(containerId) !== true) continue
    for (const thread of numbers(`${proc}/${pid}/task`)) {
      const folder = `${proc}/${pid}/task/${thread}`
      if (standing(folder) !== 'past') threads.push({ folder, visits: 0 })
    }
  }
  while (threads.length > 0) {
    yield 'later'
    // A thread on a processor shows no stack, and on a virtual one may stand still: it is made to leave it first.
    visitProcessors(new Set(threads.map(({ folder }) => processorOf(folder))))
    threads = threads.filter((thread) => {
      const now = standing(thread.folder)
      if (now === 'running') thread.visits++
      return now === 'starting' || (now === 'running' && thread.visits < VISITS)
    })
  }
}

/** Where a whole kernel stack begins: the way in from user space, or a fork. */
const BOTTOM = /(entry_\w+|asm_\w+|ret_from_fork\w*|el0t?_\w+)\+[^\n]*\n?$/

/** A running thread's stack is empty; one that woke up while it was read is cut short, and tells nothing. */
function standing(folder: string): 'past' | 'starting' | 'running' {
  const stack = readProcFile(`${folder}/stack`)
  if (stack === null) return existsSync(folder) ? 'running' : 'past'
  if (stack.includes('do_open_execat')) return 'starting'
  return BOTTOM.test(stack) ? 'past' : 'running'
}

/** The processor that a thread ran on last; -1 when it is gone. */
function processorOf(folder: string): number {
  const text = readProcFile(`${folder}/stat`) ?? ''
  return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[36] ?? -1)
}

function numbers(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => /^\d+$/.test(name))
  } catch {
    return []
  }
}
