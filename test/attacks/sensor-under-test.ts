import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openEngine } from '../../src/engine/client.ts'
import type { ExecMode } from '../../src/policy/policy.ts'
import { openPolicyStore } from '../../src/policy/store.ts'
import type { EvidenceStore, NewFinding } from '../../src/sensor/ports.ts'
import { type Sensor, startSensor } from '../../src/sensor/sensor.ts'
import type { TestEngine } from '../engine/harness.ts'

export interface SensorUnderTest {
  readonly sensor: Sensor
  /** All that was emitted, oldest first. */
  readonly findings: readonly NewFinding[]
  /** Content kept, by its hash. */
  readonly kept: ReadonlyMap<string, Buffer>
  /** Where its policy.d lies. */
  readonly folder: string
  /** Waits for a finding that is already there or comes; fails with what came instead. */
  finding(what: string, matches: (finding: NewFinding) => boolean): Promise<NewFinding>
  stop(): Promise<void>
}

const PATIENCE_MS = 60_000

export interface UnderTestOptions {
  readonly exec?: ExecMode
  readonly sweepEveryMs?: number
  /** One policy file's text. */
  readonly policy?: string
}

/** The real sensor on real engines, with findings and evidence in memory. */
export async function sensorOn(
  engines: TestEngine | readonly Pick<TestEngine, 'address'>[],
  options: UnderTestOptions = {},
): Promise<SensorUnderTest> {
  const folder = mkdtempSync(join('/var/tmp', 'paddock-sensor-test-'))
  mkdirSync(join(folder, 'policy.d'))
  if (options.policy !== undefined) writeFileSync(join(folder, 'policy.d/policy.yaml'), options.policy)
  const all = 'address' in engines ? [engines] : engines
  const findings: NewFinding[] = []
  const kept = new Map<string, Buffer>()
  const sensor = startSensor({
    engines: await Promise.all(all.map(({ address }) => openEngine(address.slice('unix://'.length)))),
    policies: openPolicyStore(join(folder, 'policy.d'), { mustExist: true }),
    sink: { emit: (finding) => void findings.push(finding) },
    evidence: memoryStore(kept),
    exec: options.exec ?? 'alert',
    folder,
    ...(options.sweepEveryMs === undefined ? {} : { sweepEveryMs: options.sweepEveryMs }),
  })
  await sensor.ready
  return {
    sensor,
    findings,
    kept,
    folder,
    async finding(what, matches) {
      const until = Date.now() + PATIENCE_MS
      for (;;) {
        const found = findings.find(matches)
        if (found !== undefined) return found
        if (Date.now() > until)
          throw new Error(
            `no finding of ${what}; there came: ${findings.map(({ summary }) => summary).join('\n')}`,
          )
        await sleep(20)
      }
    },
    async stop() {
      await sensor.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function memoryStore(kept: Map<string, Buffer>): EvidenceStore {
  return {
    keep(fd) {
      const content = Buffer.alloc(1 << 20)
      const bytes = Buffer.from(content.subarray(0, readSync(fd, content, 0, content.length, 0)))
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      kept.set(sha256, bytes)
      return { sha256, sizeBytes: bytes.length, truncated: false }
    },
  }
}
