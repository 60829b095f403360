import type { AlertStory } from '../../alerts/alert.ts'
import { UserError } from '../../lib/errors.ts'
import { printable } from '../../lib/printable.ts'
import { defineCommand, shared } from '../command.ts'
import { askWatch, tellWatch } from './client.ts'

interface Answer {
  readonly version: 1
  readonly acknowledged: readonly string[]
  readonly failed: readonly { readonly id: string; readonly error: string }[]
}

export const command = defineCommand({
  summary: 'acknowledge, with a reason',
  usage: ['alerts ack ID… --reason TEXT [--json]'],
  description: `
Takes alerts off the list of open ones. Who did it, when and why is kept for good, in a journal that shows any later
edit. It prints the lines of policy that would have expected what was found; the same thing found again is a new
alert that names this one.

Exit code: 0 acknowledged, 2 some could not be.`,
  options: {
    reason: { type: 'string', value: 'TEXT', help: 'why this is all right' },
    json: shared.json,
  },
  examples: [['paddock alerts ack 17 --reason "we deployed by hand"', 'alert 17 is settled']],
  arguments: { min: 1, max: 500 },
  async run({ positionals, options, io }) {
    if (options.reason === undefined) {
      throw new UserError('cannot acknowledge without a reason', { hint: 'say why with --reason TEXT' })
    }
    const answer = await tellWatch<Answer>(io, '/alerts/acknowledge', {
      id: positionals,
      reason: options.reason,
    })
    if (options.json === true) {
      io.stdout.write(`${JSON.stringify(answer)}\n`)
      return answer.failed.length === 0 ? 0 : 2
    }
    for (const id of answer.acknowledged) {
      const { alert } = await askWatch<{ alert: AlertStory }>(io, `/alerts/${id}`)
      io.stdout.write(`acknowledged ${id}\n`)
      if (alert.policyLines.length > 0) {
        io.stdout.write(
          `  policy that would have expected it:\n${alert.policyLines.map((line) => `    ${line}\n`).join('')}`,
        )
      }
    }
    for (const { error } of answer.failed) io.stderr.write(`paddock: ${printable(error)}\n`)
    return answer.failed.length === 0 ? 0 : 2
  },
})
