import type { Change } from '../../cow/change.ts'
import type { SeenChange } from '../../policy/learn/seen.ts'
import { assess, reasons } from '../../policy/severity.ts'

/** Reasons for which only `--trust-programs` lets a change be learnt. */
const PROGRAM = new Set([
  'executable',
  'program-changed',
  'made-executable',
  'program-deleted',
  'setuid',
  'file-capability',
  'world-writable-program',
])

/**
 * Why a change is not to be learnt without a person's word; null where nothing speaks against it.
 * @param head the file's first bytes, where they are known: a program needs no right to be run to be one
 */
export function gravityOf(change: Change, head: Uint8Array | null): SeenChange['grave'] {
  const { severity, reasons: found } = assess(change, head === null ? {} : { head })
  const program = found.some((id) => PROGRAM.has(id))
  if (severity !== 'critical' && severity !== 'high' && !program) return null
  const [worst = ''] = found
  return {
    why: `it ${reasons.get(worst)?.text ?? worst}`,
    isProgram: found.every((id) => PROGRAM.has(id) || !isGrave(id)),
  }
}

function isGrave(id: string): boolean {
  const severity = reasons.get(id)?.severity
  return severity === 'critical' || severity === 'high'
}
