import { defineCommand, shared } from '../command.ts'
import { fetchAlerts } from './fetch-alerts.ts'
import { alertLines } from './text.ts'

const MAX_OPEN = 10_000
const ACKNOWLEDGED = 500

export const command = defineCommand({
  summary: 'list alerts',
  usage: ['alerts [ls] [--all] [--severity LEVEL] [--container NAME] [--search TEXT] [--json]'],
  description: `
Lists the open alerts, the one with the latest finding first. An alert stays until a person acknowledges it: the
file deleted, the container removed, the host restarted change nothing.

Exit code: 0 none is open, 1 there are open ones, 2 watch could not be asked.`,
  options: {
    all: {
      type: 'boolean',
      help: 'the latest acknowledged ones too; with --json they always are, told by `state`',
    },
    severity: {
      type: 'string',
      value: 'LEVEL',
      help: 'this severity and worse: info, low, medium, high, critical',
    },
    container: { type: 'string', value: 'NAME', help: 'only of this container' },
    search: { type: 'string', value: 'TEXT', help: 'part of the summary, the name, the image or a path' },
    json: shared.json,
  },
  examples: [
    ['paddock alerts', 'what waits for you'],
    ['paddock alerts ls --severity high --container web', 'what matters most, of one container'],
    ['paddock alerts ls --json | jq -r \'.alerts[] | select(.state == "open") | .id\'', 'for programs'],
  ],
  arguments: { min: 0, max: 0 },
  async run({ options, io }) {
    const { severity, container, search } = options
    const filter = Object.entries({ severity, container, search }).filter(([, value]) => value !== undefined)
    const all = options.all === true || options.json === true
    const open = await fetchAlerts(io, 'open', filter as [string, string][], MAX_OPEN)
    const acknowledged = all
      ? await fetchAlerts(io, 'acknowledged', filter as [string, string][], ACKNOWLEDGED)
      : []
    if (options.json === true) {
      io.stdout.write(`${JSON.stringify({ version: 1, alerts: [...open, ...acknowledged] })}\n`)
    } else {
      if (open.length === 0) io.stdout.write('No open alerts.\n')
      for (const alert of [...open, ...acknowledged]) io.stdout.write(alertLines(alert, Date.now()))
    }
    return open.length === 0 ? 0 : 1
  },
})
