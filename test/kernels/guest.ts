import { release } from 'node:os'
import { examine } from '../../src/audit/doctor/examine.ts'
import { sensorAbility } from '../../src/cli/doctor/sensor-ability.ts'
import { guestTests } from './guest-tests.ts'

/* Runs inside the guest as its only program, and says what it found on the console (boot.ts). */

say({ kind: 'release', name: release() })
const abilities = await examine({
  stateDir: '/var/tmp',
  engine: null,
  engineProblem: 'none in the guest',
  more: [sensorAbility],
})
for (const { id, status, detail } of abilities)
  say({ kind: 'ability', name: id, ok: status === 'ok', detail })
for (const [name, run] of Object.entries(guestTests)) {
  try {
    say({ kind: 'test', name, ok: true, detail: await run() })
  } catch (error) {
    say({ kind: 'test', name, ok: false, detail: error instanceof Error ? error.message : String(error) })
  }
}

function say(word: object): void {
  process.stdout.write(`@paddock ${JSON.stringify(word)}\n`)
}
