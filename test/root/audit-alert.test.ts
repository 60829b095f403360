import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { takeLock } from '../../src/lib/libc/lock.ts'
import { runPaddock } from '../fixtures/run-paddock.ts'

/* `paddock audit --alert` where it cannot: one sentence, and nothing is left for the sensor. */

const base = mkdtempSync('/var/tmp/paddock-audit-alert-')
after(() => {
  rmSync(base, { recursive: true })
})
const alert = (...args: string[]) =>
  runPaddock(['audit', '--alert', ...args], { PADDOCK_STATE_DIR: join(base, 'state') })

test('another audit that is under way is left to tell', async () => {
  mkdirSync(join(base, 'state/audit'), { recursive: true })
  const fd = openSync(join(base, 'state/audit/lock'), 'w')
  assert.ok(takeLock(fd, 'lock'))
  const { code, stdout, stderr } = await alert('--engine', join(base, 'none.sock'))
  assert.deepEqual([code, stdout], [2, ''])
  assert.equal(
    stderr,
    'paddock: cannot audit for alerts: another audit is at it; what is worse is told by that one\n',
  )
})

test('what would change something does not go with it', async () => {
  for (const odd of ['--fix=icc', '--undo=x', '--root=/', '--baseline=x', '--yes']) {
    const { code, stderr } = await alert(odd)
    assert.equal(code, 2)
    assert.match(
      stderr,
      new RegExp(`^paddock: cannot combine --alert with ${odd.split('=')[0] ?? ''}; run the two`),
    )
  }
})

test('a state folder that cannot be one is said', async () => {
  writeFileSync(join(base, 'file'), '')
  const { code, stderr } = await runPaddock(['audit', '--alert'], { PADDOCK_STATE_DIR: join(base, 'file') })
  assert.equal(code, 2)
  assert.match(stderr, /^paddock: cannot use the state folder .*\/file\/audit: .*; run it as root\n$/)
})
