import type { Io } from '../command.ts'
import { styleFor } from '../style.ts'
import type { Seen } from './scenes.ts'
import type { Ran } from './stage.ts'

export interface Played {
  readonly before: Ran
  readonly after: Ran
  readonly alerts: Ran
  readonly walked: readonly Seen[]
  readonly recovered: boolean
  readonly enclosed: boolean
}

/** One line for each thing that had to hold. @returns whether all did */
export function verdict(io: Io, played: Played): boolean {
  const { before, after, alerts, walked, recovered, enclosed } = played
  const style = styleFor(io.stdout, io.env)
  const found = walked.filter(({ finding }) => finding !== null)
  const times = found.map(({ afterMs }) => afterMs).sort((one, other) => one - other)
  const median = times[Math.floor(times.length / 2)] ?? Number.NaN
  const denied = walked.filter(({ act }) => act.denied === true)
  const held: readonly (readonly [boolean, string])[] = [
    [before.code === 0, 'no false alarm before he came'],
    [
      found.length === walked.length,
      `${found.length} of ${walked.length} acts seen, each told ${Math.max(0, median).toFixed(0)} ms (median) after it was done`,
    ],
    [denied.length > 0 && denied.every(({ refused }) => refused), 'the program that he dropped did not run'],
    [after.code === 1, 'a scan still finds what he could not undo'],
    [alerts.code === 1, 'the alerts outlive his tidying up'],
    [recovered, 'what he dropped and deleted is kept as evidence'],
    [enclosed, 'in a service of the herd he could change and run nothing'],
  ]
  for (const [well, what] of held)
    io.stdout.write(`${well ? style.good('held    ') : style.bad('NOT HELD')}  ${what}\n`)
  return held.every(([well]) => well)
}
