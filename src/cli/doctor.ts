import { styleText } from 'node:util'
import { examine, type Examined } from '../audit/doctor/examine.ts'
import { connectEngine } from '../engine/connect.ts'
import type { EngineReader } from '../engine/reader.ts'
import { UserError } from '../lib/errors.ts'
import { printable } from '../lib/printable.ts'
import { defineCommand, type Io, shared } from './command.ts'
import { sensorAbility } from './doctor/sensor-ability.ts'

export const command = defineCommand({
  summary: 'can Paddock work here? each thing it needs, tried',
  usage: ['doctor [--json]'],
  description: `
Tries what Paddock needs of this host: rights, engine, kernel, compose, disk, clock. Nothing is guessed from a
version: on an overlay of its own a file is written and must be reported, a program is run and must be denied.
Each line says what is lost without it. Nothing stays behind.

Exit code: 0 everything is there, 1 something is missing, 2 the trial itself failed.`,
  options: { json: shared.json, engine: shared.engine },
  examples: [
    ['paddock doctor', 'one line for each ability'],
    ['paddock doctor --json', 'the same for a program'],
  ],
  arguments: { min: 0, max: 0 },
  async run({ options, io }) {
    const { engine, engineProblem } = await findEngine(options.engine, io)
    const abilities = await examine({
      engine,
      engineProblem,
      stateDir: io.env['PADDOCK_STATE_DIR'] ?? '/var/lib/paddock',
      more: [sensorAbility],
    })
    const lacking = abilities.filter(({ status }) => status === 'missing')
    if (options.json === true)
      io.stdout.write(`${JSON.stringify({ version: 1, ok: lacking.length === 0, abilities })}\n`)
    else io.stdout.write(doctorText(abilities, io.stdout.isTTY === true))
    return lacking.length === 0 ? 0 : 1
  },
})

async function findEngine(
  named: string | undefined,
  io: Io,
): Promise<{ engine: EngineReader | null; engineProblem: string }> {
  try {
    return { engine: await connectEngine({ engine: named, env: io.env }), engineProblem: '' }
  } catch (error) {
    if (error instanceof UserError) return { engine: null, engineProblem: error.message }
    throw error
  }
}

const WORDS = { ok: ['ok', 'green'], missing: ['missing', 'red'], unknown: ['not tried', 'yellow'] } as const

function doctorText(abilities: readonly Examined[], colour: boolean): string {
  const lines = abilities.flatMap(({ title, status, detail, lost, remedy }) => {
    const [word, style] = WORDS[status]
    const padded = word.padEnd(9)
    const shown = colour ? styleText(style, padded, { validateStream: false }) : padded
    return [
      `${shown}  ${title}: ${printable(detail)}`,
      ...(status === 'missing' ? [`           lost without it: ${lost}`, `           try: ${remedy}`] : []),
    ]
  })
  const lacking = abilities.filter(({ status }) => status === 'missing').length
  const closing =
    lacking === 0 ? 'Paddock can work here.' : `${lacking} of ${abilities.length} abilities are missing.`
  return [...lines, '', closing, ''].join('\n')
}
