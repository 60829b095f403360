import type { UserError } from '../../lib/errors.ts'
import { printable } from '../../lib/printable.ts'
import type { Outcome } from '../../services/waves.ts'
import type { ExitCode, Io } from '../command.ts'
import { styleFor } from '../style.ts'

interface Report<T> {
  /** The command's fields beside `services`. */
  readonly json: Readonly<Record<string, unknown>>
  /** What is told of a service that went well: JSON fields, and lines for people. */
  readonly fields: (result: T) => Readonly<Record<string, unknown>>
  readonly lines: (result: T) => readonly string[]
  /** What follows the lines as it is, to be copied. */
  readonly text?: (result: T) => string
  /** False: it was done, and something was found. */
  readonly isWell?: (result: T) => boolean
}

/**
 * Prints how every service fared.
 * @returns 2 where one could not be done, 1 where one is not well
 */
export function reportOutcomes<T>(
  io: Io,
  asJson: boolean,
  outcomes: readonly Outcome<T>[],
  { json, fields, lines, text = () => '', isWell = () => true }: Report<T>,
): ExitCode {
  const failed = outcomes.some((one) => 'error' in one)
  const found = outcomes.some((one) => 'ok' in one && !isWell(one.ok))
  if (asJson) {
    const services = outcomes.map((one) =>
      'ok' in one
        ? { service: one.service, ok: isWell(one.ok), ...fields(one.ok) }
        : { service: one.service, ok: false, error: sentence(one.error) },
    )
    io.stdout.write(`${JSON.stringify({ version: 1, ...json, ok: !failed && !found, services })}\n`)
  } else {
    const { strong, bad } = styleFor(io.stdout, io.env)
    for (const one of outcomes) {
      if ('ok' in one) {
        for (const line of lines(one.ok)) io.stdout.write(`${strong(printable(one.service))}: ${line}\n`)
        io.stdout.write(text(one.ok))
      } else io.stderr.write(`paddock: ${bad(printable(sentence(one.error)))}\n`)
    }
  }
  return failed ? 2 : found ? 1 : 0
}

export function sentence({ message, hint }: UserError): string {
  return hint === undefined ? message : `${message}; ${hint}`
}
