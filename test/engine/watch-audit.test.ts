import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { AUDIT_WANTED } from '../../src/protocol/audit-news.ts'
import { runPaddock } from '../fixtures/run-paddock.ts'
import { startWatchCommand } from '../fixtures/running-watch.ts'
import { testEngine } from './harness.ts'

/* `paddock watch` audits when containers start, and raises an alert on what got worse: once, and not on what was mended. */

interface Listed {
  readonly alerts: readonly {
    id: string
    container: string | null
    severity: string
    reasons: string[]
    count: number
  }[]
}

test('a container with the engine’s socket starts: an alert; the next audit repeats nothing; mended is no alert', async (t) => {
  const engine = await testEngine('docker')
  const cleanUp = (act: () => Promise<void>) => {
    t.after(act)
  }
  const watch = await startWatchCommand(['--engine', engine.address], cleanUp, { audits: true })
  for (let tries = 0; !/paddock-audit: The first audit of unix:/.test(watch.said()); tries += 1) {
    assert.ok(tries < 600, watch.said())
    await sleep(100)
  }
  const socket = engine.address.replace('unix://', '')
  const sinner = await engine.run({ name: 'sinner', args: ['--volume', `${socket}:/engine.sock`] })
  const byAudit = () =>
    watch.findings.find(({ kind, container }) => kind === 'audit' && container?.id === sinner.id)
  // Half a minute's rest after the first, and on a busy machine an audit takes its time.
  for (let tries = 0; byAudit() === undefined && tries < 1800; tries += 1) await sleep(100)
  const told = byAudit()
  assert.ok(told !== undefined, watch.said())
  assert.equal(told.severity, 'critical')
  assert.ok(
    told.reasons.includes('socket-mount') && told.reasons.includes('escape-path'),
    told.reasons.join(),
  )
  assert.match(told.summary, new RegExp(`^audit: container ${sinner.name}: .*; also `))

  const alerts = async (): Promise<Listed['alerts']> =>
    (JSON.parse((await watch.paddock('alerts', 'ls', '--json')).stdout) as Listed).alerts.filter(
      ({ container, reasons }) => container === sinner.name && reasons.includes('socket-mount'),
    )
  for (let tries = 0; (await alerts()).length === 0 && tries < 100; tries += 1) await sleep(100)
  const first = await alerts()
  assert.deepEqual(
    first.map(({ severity, count }) => [severity, count]),
    [['critical', 1]],
  )

  // Audited again, by hand: nothing of it is told again. Other test files have containers on this engine too.
  const again = await watch.paddock('audit', '--alert', '--json', '--engine', engine.address)
  assert.ok(!again.stdout.includes(sinner.name), again.stdout)

  // Mended: the same name without the socket.
  await engine.cli('rm', '--force', sinner.id)
  const mended = await engine.run({ name: 'sinner' })
  const after = await watch.paddock('audit', '--alert', '--json', '--engine', engine.address)
  assert.ok(!after.stdout.includes(sinner.name), after.stdout)
  await sleep(2500)
  assert.deepEqual(await alerts(), first)
  assert.deepEqual(
    watch.findings.filter(({ kind, container }) => kind === 'audit' && container?.id === mended.id),
    [],
  )
  assert.equal(await watch.interrupt(), 1)
})

test('an engine that is away hides no other; what asked for the audit is answered before it looks', async (t) => {
  const engine = await testEngine('docker')
  const folder = mkdtempSync('/var/tmp/paddock-audit-engines-')
  t.after(() => {
    rmSync(folder, { recursive: true })
  })
  mkdirSync(join(folder, 'podman'))
  symlinkSync(engine.address.replace('unix://', ''), join(folder, 'docker.sock'))
  // A socket that nobody listens on any more.
  writeFileSync(join(folder, 'podman/podman.sock'), '')
  mkdirSync(join(folder, 'state/audit'), { recursive: true })
  writeFileSync(join(folder, 'state', AUDIT_WANTED), '')
  const { code, stdout, stderr } = await runPaddock(['audit', '--alert', '--json'], {
    XDG_RUNTIME_DIR: folder,
    PADDOCK_STATE_DIR: join(folder, 'state'),
  })
  assert.equal(code, 2)
  assert.match(stderr, /^paddock: cannot .*podman\.sock/)
  const { audits } = JSON.parse(stdout) as { audits: { engine: string; since: string | null }[] }
  assert.ok(
    audits.some((one) => one.engine.endsWith(`${folder}/docker.sock`) && one.since === null),
    stdout,
  )
  assert.ok(!existsSync(join(folder, 'state', AUDIT_WANTED)))
})
