import assert from 'node:assert/strict'
import { copyFileSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { beginLife } from './last-life.ts'
import type { NewFinding } from './ports.ts'
import { TICK_MS } from './tick.ts'

function begin(t: TestContext, path: string, cause: string | null = null) {
  const findings: NewFinding[] = []
  let ended = false
  const stop = beginLife(path, { emit: (finding) => findings.push(finding) }, cause)
  const end = () => {
    if (!ended) stop()
    ended = true
  }
  t.after(end)
  return { findings, end }
}

function file(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'paddock-life-'))
  t.after(() => {
    rmSync(folder, { recursive: true })
  })
  return join(folder, 'life')
}

test('the first life has nothing to tell of one before', (t) => {
  assert.deepEqual(begin(t, file(t)).findings, [])
})

test('a life that died is told, with how and since when', (t) => {
  const path = file(t)
  begin(t, path)
  // What a killed process leaves behind.
  copyFileSync(path, `${path}.left`)
  const [finding] = begin(t, `${path}.left`, 'killed by SIGKILL').findings
  assert.equal(finding?.reasons[0], 'sensor-died')
  assert.equal(finding.severity, 'high')
  assert.match(finding.summary, /^the sensor died, killed by SIGKILL, and nobody looked from 2.*Z to 2.*Z/)
})

test('until when it lived is known to a tick', async (t) => {
  const path = file(t)
  t.mock.timers.enable({ apis: ['setInterval'] })
  begin(t, path)
  await sleep(100)
  const before = Date.now()
  t.mock.timers.tick(TICK_MS)
  const after = Date.now()
  await sleep(100)
  cpSync(path, `${path}.left`, { preserveTimestamps: true })
  const [finding] = begin(t, `${path}.left`).findings
  const from = Date.parse(String(finding?.details?.['from']))
  assert.ok(from >= before - 1 && from <= after, `${before} ${from} ${after}`)
})

test('a life that was ended in order is told too: nobody looked meanwhile', (t) => {
  const path = file(t)
  const first = begin(t, path)
  first.end()
  assert.deepEqual(
    begin(t, path).findings.map(({ reasons, severity }) => [reasons[0], severity]),
    [['sensor-was-stopped', 'medium']],
  )
})

test('a file that is damaged is no life', (t) => {
  const path = file(t)
  writeFileSync(path, '0badcafe 0 {"startedAt"')
  assert.deepEqual(begin(t, path).findings, [])
})
