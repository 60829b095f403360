import { UserError } from '../../lib/errors.ts'
import type { ExitCode, Io } from '../command.ts'
import { applyStep } from './apply.ts'
import { type Plan, stepText } from './plan.ts'

/** Shows a plan, and carries it out where `--yes` was typed. */
export function carryOut(plan: Plan, root: string, yes: boolean, io: Io): ExitCode {
  const [conflict] = plan.conflicts
  if (conflict !== undefined) {
    throw new UserError(`cannot write ${conflict}: there is one that paddock install did not write`, {
      hint: 'move it away first',
    })
  }
  if (plan.steps.length === 0) {
    io.stdout.write('Nothing to do.\n')
    return 0
  }
  for (const step of plan.steps) {
    if (yes) applyStep(step, root)
    io.stdout.write(`${yes ? 'done: ' : ''}${stepText(step)}\n`)
  }
  if (!yes) io.stdout.write('\nNothing was changed. Add --yes to do it.\n')
  return 0
}
