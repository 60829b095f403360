import { openSync, readFileSync, writeSync } from 'node:fs'
import type { ContainerRef } from '../../../src/protocol/findings.ts'
import type { SensorAnswers } from '../../../src/sensor/ports.ts'
import { openKeeping } from '../../../src/sensor/keep.ts'

/*
 * The keeping half of the sensor as it is, fed with findings that a ledger counts: "+7" before finding 7 is
 * emitted, "=7" after. What stands between the two when the process is killed was detected or not, nobody knows.
 */

const [stateDir = '', runDir = '', ledgerPath = '', perSecond = '500', spoolMiB = '64'] =
  process.argv.slice(2)
const judge: SensorAnswers = {
  status: () => ({ host: 'test', lastSweep: null, selfTest: null, counters: {}, parts: [] }),
  containers: () => [],
  changes: () => null,
  processes: () => null,
  policy: () => null,
  present: (causes) => causes.map(() => null),
  sweep: () => false,
}

const keeping = openKeeping({
  stateDir,
  runDir,
  groupId: null,
  spoolQuotaBytes: Number(spoolMiB) << 20,
  evidenceQuotaBytes: 16 << 20,
  lastDeath: process.env['PADDOCK_SENSOR_DEATH'] ?? null,
  log: () => undefined,
})
const ledger = openSync(ledgerPath, 'a')
let id = Number(/\+(\d+)\n[^+]*$/.exec(readFileSync(ledgerPath, 'latin1'))?.[1] ?? 0)

const every20Ms = setInterval(() => {
  for (let left = Number(perSecond) / 50; left > 0; left -= 1) {
    id += 1
    writeSync(ledger, `+${id}\n`)
    keeping.sink.emit({
      kind: 'change',
      source: 'fanotify',
      severity: id % 5 === 0 ? 'low' : 'critical',
      reasons: ['executable'],
      summary: `#${id}`,
      // Many, so that watch keeps each finding in full: beyond 2000 in one alert it keeps digests only.
      container: containerOf(id % 100),
      group: `group ${id % 100}`,
      count: 1,
      details: { padding: 'x'.repeat(id % 1500) },
    })
    writeSync(ledger, `=${id}\n`)
  }
}, 20)

function containerOf(index: number): ContainerRef {
  const id = index.toString(16).padStart(64, '0')
  return { id, name: `c${index}`, image: 'test', engine: 'docker' }
}

// Stops producing, goes on serving.
process.on('SIGUSR2', () => {
  clearInterval(every20Ms)
})
process.on('SIGTERM', () => {
  clearInterval(every20Ms)
  void keeping.close()
})
await keeping.serve(judge, [])
console.log('serving')
