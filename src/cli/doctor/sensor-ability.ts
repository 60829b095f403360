import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Ability, missing, ok } from '../../audit/doctor/ability.ts'
import { openPolicyStore } from '../../policy/store.ts'
import type { NewFinding } from '../../sensor/ports.ts'
import { startSensor } from '../../sensor/sensor.ts'

/** The sensor itself, started without an engine until it has tested itself: all of its threads and kernel objects are real. */
export const sensorAbility: Ability = {
  id: 'sensor-self-test',
  title: 'The sensor sees a write and denies a program',
  lost: 'paddock watch: it says itself that it is blind',
  remedy: 'mend what is missing above; else report this as a bug',
  async try({ overlay, overlayProblem }) {
    if (overlay === null) return missing(`no overlay to test itself on: ${overlayProblem}`)
    const folder = mkdtempSync('/var/tmp/paddock-doctor-')
    const findings: NewFinding[] = []
    try {
      mkdirSync(join(folder, 'policy.d'))
      const sensor = startSensor({
        engines: [],
        policies: openPolicyStore(join(folder, 'policy.d'), { mustExist: false }),
        sink: { emit: (finding) => findings.push(finding) },
        evidence: { keep: () => null },
        exec: 'deny',
        folder,
      })
      await sensor.ready
      const { selfTest } = sensor.answers.status()
      await sensor.stop()
      if (selfTest?.ok === true)
        return ok('a write was seen, an unlisted program denied, a listed one let through')
      const why = [selfTest?.detail, ...findings.map(({ summary }) => summary)]
      return missing(
        why.find((each) => each !== undefined && each !== '') ?? 'it did not come to its self-test',
      )
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
}
