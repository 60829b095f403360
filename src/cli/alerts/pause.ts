import type { Pause } from '../../alerts/pauses.ts'
import { UserError } from '../../lib/errors.ts'
import { printable } from '../../lib/printable.ts'
import { defineCommand, type Io, shared } from '../command.ts'
import { askWatch, tellWatch } from './client.ts'

export const command = defineCommand({
  summary: 'maintenance: record, but tell nobody',
  usage: ['alerts pause NAME --for 30m --reason TEXT', 'alerts pause --end ID', 'alerts pause [--json]'],
  description: `
For a time, what is found in this container is recorded and marked as found in maintenance, and nobody is told. What
began outside of the window is told as ever, and so is what goes on after it. Without NAME it lists the windows.

Exit code: 0 done, 2 it could not be done.`,
  options: {
    for: { type: 'string', value: 'TIME', help: 'how long: 90s, 30m, 2h; at most a day' },
    reason: { type: 'string', value: 'TEXT', help: 'what is being done' },
    end: { type: 'string', value: 'ID', help: 'end this window now' },
    json: shared.json,
  },
  examples: [
    ['paddock alerts pause web --for 30m --reason "upgrade by hand"', 'half an hour of peace'],
    ['paddock alerts pause --end 3', 'the upgrade is done early'],
  ],
  arguments: { min: 0, max: 1 },
  async run({ positionals: [container], options, io }) {
    if (options.end !== undefined) {
      const { pause } = await tellWatch<{ pause: Pause }>(
        io,
        `/pauses/${encodeURIComponent(options.end)}/end`,
        {},
      )
      print(io, [pause], options.json === true)
      return 0
    }
    if (container === undefined) {
      const { pauses } = await askWatch<{ pauses: readonly Pause[] }>(io, '/system')
      print(io, pauses, options.json === true)
      return 0
    }
    const { for: time, reason } = options
    if (time === undefined || reason === undefined) {
      throw new UserError(`cannot pause alerts of ${container}: say for how long, and why`, {
        hint: 'add --for 30m --reason TEXT',
      })
    }
    const { pause } = await tellWatch<{ pause: Pause }>(io, '/pauses', { container, for: time, reason })
    print(io, [pause], options.json === true)
    return 0
  },
})

function print(io: Io, pauses: readonly Pause[], json: boolean): void {
  if (json) {
    io.stdout.write(`${JSON.stringify({ version: 1, pauses })}\n`)
    return
  }
  if (pauses.length === 0) io.stdout.write('No maintenance windows.\n')
  for (const { id, container, until, active, reason, who, alerts } of pauses) {
    const state = active ? 'until' : 'ended'
    const count = alerts === 0 ? '' : ` · ${alerts} alerts in it`
    io.stdout.write(
      `${id.padStart(4)}  ${printable(container)}  ${state} ${until} · ${printable(reason)} · ${printable(who)}${count}\n`,
    )
  }
}
