import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'

/* The sensor's proof that it sees, without an engine: what it says of itself on a kernel that gives all, and on less. */

const run = promisify(execFile)
const folder = mkdtempSync('/var/tmp/paddock-sensor-alone-')
after(() => rmSync(folder, { recursive: true, force: true }))

interface Said {
  readonly selfTest: { readonly ok: boolean; readonly detail: string } | null
  readonly parts: readonly { readonly name: string; readonly state: string; readonly detail: string }[]
  readonly findings: readonly { readonly reasons: readonly string[]; readonly summary: string }[]
}

async function alone(before: readonly string[], ...how: string[]): Promise<Said> {
  const program = join(import.meta.dirname, '../fixtures/sensor-alone.ts')
  const [command = '', ...args] = [...before, process.execPath, program, folder, ...how]
  const { stdout } = await run(command, args)
  return JSON.parse(stdout) as Said
}

test('its own test passes: a write is seen, a program that is not listed is denied, one that is is not', async () => {
  const { selfTest, findings } = await alone([])
  assert.deepEqual(selfTest && [selfTest.ok, selfTest.detail], [true, ''])
  assert.deepEqual(findings, [])
})

test('it passes with all given up that the sensor gives up', async () => {
  const { selfTest, parts } = await alone([], 'confined')
  assert.deepEqual(selfTest && [selfTest.ok, selfTest.detail], [true, ''], JSON.stringify(parts))
  assert.deepEqual(
    parts.filter(({ state }) => state !== 'ok'),
    [],
  )
})

test('where the kernel lets it look at nothing, it says what is lost, says that it is blind, and goes on', async () => {
  const { selfTest, parts, findings } = await alone([
    'setpriv',
    '--bounding-set=-sys_admin',
    '--inh-caps=-sys_admin',
  ])
  assert.equal(selfTest?.ok, false)
  const lost = parts.filter(({ state }) => state === 'lost').map(({ detail }) => detail)
  assert.ok(
    lost.some((what) => what.startsWith('no program is denied')),
    lost.join('\n'),
  )
  const reasons = new Set(findings.flatMap((finding) => finding.reasons))
  assert.ok(reasons.has('guarantee-lost') && reasons.has('self-test-failed'), [...reasons].join(' '))
  assert.ok(!reasons.has('verdicts-died'), 'a feature that is missing is no death')
})

test('without the process connector (another network namespace has none) it says what that costs, and the rest holds', async () => {
  const { selfTest, findings } = await alone(['unshare', '--net'])
  assert.equal(selfTest?.ok, true)
  assert.deepEqual(
    findings.map(({ reasons }) => reasons),
    [['guarantee-lost']],
  )
  assert.match(findings[0]?.summary ?? '', /memfd.*process connector/)
})
