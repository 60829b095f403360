import { printable } from '../../lib/printable.ts'
import type { Tell } from '../../services/host.ts'
import type { Io } from '../command.ts'
import { styleFor } from '../style.ts'

/**
 * What happens to each service: on a terminal a line a service, rewritten as it goes on; elsewhere a plain line for every
 * step. Always on standard error, so that standard output is the result.
 * @param isQuiet for programs
 */
export function progressOn(io: Io, isQuiet: boolean): Tell {
  if (isQuiet) return () => undefined
  return io.stderr.isTTY === true && io.env['TERM'] !== 'dumb' ? liveProgress(io) : plainProgress(io)
}

function plainProgress({ stderr }: Io): Tell {
  return (service, what) => void stderr.write(`${printable(service)}: ${what}\n`)
}

/** What is assumed of a terminal that does not say. */
const COLUMNS = 80
const ROWS = 24

function liveProgress(io: Io): Tell {
  const { stderr } = io
  const { strong, dim } = styleFor(stderr, io.env)
  /** Services in the order of their lines, the cursor below the last, and when each began. */
  const lines = new Map<string, number>()
  const render = (service: string, what: string): string => {
    const name = printable(service)
    const seconds = `${((performance.now() - (lines.get(service) ?? 0)) / 1000).toFixed(1)} s`
    // A line that wraps would be two, and the next be written over the wrong one.
    const room = (stderr.columns ?? COLUMNS) - name.length - seconds.length - 4
    const text = what.length > room ? `${what.slice(0, Math.max(0, room - 1))}…` : what
    return `${strong(name)}: ${text} ${dim(seconds)}`
  }
  return (service, what) => {
    // What a container said is not overwritten by the next step.
    if (what.startsWith('|')) {
      stderr.write(`${printable(service)} ${what}\n`)
      lines.clear()
      return
    }
    if (lines.has(service)) {
      const up = lines.size - [...lines.keys()].indexOf(service)
      stderr.write(`\u001b[${up}A\r\u001b[2K${render(service, what)}\u001b[${up}B\r`)
      return
    }
    // Lines that scrolled out cannot be reached any more.
    if (lines.size >= (stderr.rows ?? ROWS) - 1) lines.clear()
    lines.set(service, performance.now())
    stderr.write(`${render(service, what)}\n`)
  }
}
