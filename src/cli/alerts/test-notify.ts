import { UserError } from '../../lib/errors.ts'
import { printable } from '../../lib/printable.ts'
import { defineCommand, shared } from '../command.ts'
import { askWatch, tellWatch } from './client.ts'

interface Tested {
  readonly channel: string
  readonly ok: boolean
  readonly error: string | null
}

export const command = defineCommand({
  summary: 'send a test by each channel',
  usage: ['alerts test-notify [CHANNEL] [--json]'],
  description: `
Sends a test by the named channel of watch.yaml, or by all, at once and past quiet hours, and says what became of it.

Exit code: 0 all were delivered, 1 one was not, 2 there is no such channel or watch could not be asked.`,
  options: { json: shared.json },
  examples: [['paddock alerts test-notify', 'will I hear of it?']],
  arguments: { min: 0, max: 1 },
  async run({ positionals: [wanted], options, io }) {
    const { channels } = await askWatch<{ channels: readonly { name: string }[] }>(io, '/system')
    const names = wanted === undefined ? channels.map(({ name }) => name) : [wanted]
    if (names.length === 0) {
      throw new UserError('nobody is told: there is no channel', {
        hint: 'add one under `notify` in watch.yaml (docs/alerts.md)',
      })
    }
    const results: Tested[] = []
    for (const name of names)
      results.push(await tellWatch<Tested>(io, `/channels/${encodeURIComponent(name)}/test`, {}))
    if (options.json === true) io.stdout.write(`${JSON.stringify({ version: 1, channels: results })}\n`)
    else
      for (const { channel, ok, error } of results)
        io.stdout.write(`${channel}: ${ok ? 'delivered' : printable(error ?? '')}\n`)
    return results.every(({ ok }) => ok) ? 0 : 1
  },
})
