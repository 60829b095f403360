import type { Severity } from '../policy/policy.ts'
import type { Io } from './command.ts'

type Paint = (text: string) => string

export interface Style {
  readonly severity: Readonly<Record<Severity, Paint>>
  readonly strong: Paint
  readonly dim: Paint
  readonly good: Paint
  readonly bad: Paint
}

const plain: Paint = (text) => text

function paint(code: string): Paint {
  return (text) => `\u001b[${code}m${text}\u001b[0m`
}

const uncoloured: Style = {
  severity: { info: plain, low: plain, medium: plain, high: plain, critical: plain },
  strong: plain,
  dim: plain,
  good: plain,
  bad: plain,
}

const coloured: Style = {
  severity: {
    info: paint('2'),
    low: plain,
    // Yellow and cyan are hard to read on a light terminal.
    medium: paint('35'),
    high: paint('31'),
    critical: paint('1;97;41'),
  },
  strong: paint('1'),
  dim: paint('2'),
  good: paint('32'),
  bad: paint('31'),
}

/** Colour on a terminal only, and not where NO_COLOR is set (no-color.org). */
export function styleFor(stream: { isTTY?: boolean }, env: Io['env']): Style {
  const wanted = stream.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb'
  return wanted ? coloured : uncoloured
}
