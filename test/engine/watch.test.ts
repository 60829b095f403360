import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startWatchCommand } from '../fixtures/running-watch.ts'
import { engineNames, testEngine } from './harness.ts'

/* The whole way on real engines: kernel, sensor, spool, socket, watch, SQLite, terminal, evidence. */

// It waits until it was looked at: on a machine this busy a shell of ten milliseconds may be gone before (docs/threats.md).
const DROPPER = `sleep 0.2
  cp /bin/busybox /tmp/.dropped && chmod 4755 /tmp/.dropped
  /tmp/.dropped echo it-ran
  rm /tmp/.dropped
  echo 'toor::0:0::/:/bin/sh' >> /etc/passwd
  true`

for (const name of engineNames) {
  test(`${name}: what an intruder drops is denied, told with its process, and kept`, async (t) => {
    // The sensor of another test, looking after the same containers, may deny first, and then only it is asked.
    const engine = await testEngine(name, { own: true })
    const container = await engine.run({ name: 'watched', labels: { 'paddock.exec': 'deny' } })
    // The sensor has no right to signal its init.
    const notRoot = await engine.run({ name: 'not-root', args: ['--user', '1000'] })
    const watch = await startWatchCommand(['--engine', engine.address], (act) => {
      t.after(act)
    })
    assert.match(watch.said(), /the self-test was seen and denied/)
    const out = await container.exec('sh', '-c', DROPPER)
    assert.ok(!out.includes('it-ran'), out)

    const dropped = await watch.finding(
      'the dropped file',
      ({ kind, path }) => kind === 'change' && path?.path === '/tmp/.dropped',
    )
    assert.equal(dropped.container?.name, container.name)
    assert.equal(dropped.change?.kind, 'added')
    assert.equal(dropped.byExec, true, JSON.stringify(dropped))
    assert.ok(
      dropped.processes?.some(({ argv }) => argv?.[0] === 'sh'),
      `who did it: ${JSON.stringify(dropped.processes)}`,
    )
    const denied = await watch.finding(
      'the denied program',
      ({ kind, path }) => kind === 'exec' && path?.path === '/tmp/.dropped',
    )
    assert.equal(denied.exec?.verdict, 'denied')
    assert.equal(denied.exec.from, 'layer')
    await watch.finding(
      'the new user',
      ({ path, change }) => path?.path === '/etc/passwd' && change?.kind === 'modified',
    )

    await engine.cli('exec', '--user', '0', notRoot.id, 'sh', '-c', 'echo x > /etc/changed')
    await watch.finding(
      'a change in a container whose init is not root',
      ({ container: of, path }) => of?.name === notRoot.name && path?.path === '/etc/changed',
    )

    // Its bytes, though it was deleted at once.
    const [alert] = (
      JSON.parse((await watch.paddock('alerts', 'ls', '--json')).stdout) as {
        alerts: { id: string; summary: string; container: string }[]
      }
    ).alerts.filter(({ summary }) => summary.includes('.dropped'))
    assert.equal(alert?.container, container.name)
    const recovered = join(watch.folder, 'recovered')
    const taken = await watch.paddock('alerts', 'evidence', alert.id, '-o', recovered)
    assert.equal(taken.code, 0)
    const [hash = ''] = (await container.exec('sha256sum', '/bin/busybox')).split(' ')
    // Named by its hash, beside the changed /etc/passwd of the same alert.
    const bytes = readFileSync(join(recovered, hash))
    assert.equal(createHash('sha256').update(bytes).digest('hex'), hash)

    // A container that starts later is watched from its first instruction.
    const late = await engine.run({
      name: 'late',
      labels: { 'paddock.exec': 'deny' },
      command: ['sh', '-c', 'cp /bin/busybox /first; /first echo it-ran > /ran; sleep 1000000'],
    })
    const first = await watch.finding(
      'the first instruction',
      ({ kind, container: of }) => kind === 'exec' && of?.name === late.name,
    )
    assert.equal(first.exec?.verdict, 'denied')
    assert.equal(await late.exec('cat', '/ran'), '')

    assert.equal(await watch.interrupt(), 1)
  })
}
