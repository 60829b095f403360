import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { locateContainer, locateLayer } from '../../src/cow/locate.ts'
import { expectNothing, scanLayer } from '../../src/cow/scan.ts'
import { connectEngine } from '../../src/engine/connect.ts'
import type { EngineReader } from '../../src/engine/reader.ts'
import { UserError } from '../../src/lib/errors.ts'
import { engineNames, fixtureImage, type TestEngine, testEngine } from './harness.ts'

const stateDir = mkdtempSync('/var/tmp/paddock-layer-')
after(() => rmSync(stateDir, { recursive: true, force: true }))

const reader = (engine: TestEngine): Promise<EngineReader> =>
  connectEngine({ engine: engine.address, env: {} })

async function changesOf(engine: TestEngine, id: string): Promise<string[]> {
  const layer = locateLayer(await (await reader(engine)).container(id), { stateDir })
  const changes: string[] = []
  const report = await scanLayer(layer, { expectation: expectNothing }, ({ change }) => {
    changes.push(`${change.kind} ${change.type} ${change.path}`)
  })
  assert.deepEqual(report.unreadable, [])
  return changes.sort()
}

const script = `
  echo more >> /etc/passwd
  cat /etc/group > /tmp/copy && cat /tmp/copy > /etc/group
  chmod 700 /home
  rm /etc/shadow
  rm -r /usr/share/doc/pkg && mkdir /usr/share/doc/pkg && echo new > /usr/share/doc/pkg/file
  rm -r /opt/tool && echo file > /opt/tool
  ln -s /etc/shadow /tmp/link
  mkfifo /tmp/fifo
  mkdir -p /srv/deep/er && touch /srv/deep/er/file
  echo in the volume > /data/file
  echo in memory > /scratch/file
`

// Three layers, whose own deletions must not be told.
const dockerfile = `
FROM ${fixtureImage}
RUN mkdir -p /usr/share/doc/pkg /opt/tool /etc /srv /tmp /home /was/here && echo old > /usr/share/doc/pkg/file
RUN echo gone > /usr/share/doc/pkg/other && echo tool > /opt/tool/run && echo secret > /etc/shadow && rm -r /was
RUN echo people > /etc/passwd && echo groups > /etc/group && chmod 555 /
`

const expected = [
  'added directory /srv/deep',
  'added directory /srv/deep/er',
  'added fifo /tmp/fifo',
  'added file /srv/deep/er/file',
  'added file /tmp/copy',
  'added symlink /tmp/link',
  'deleted file /etc/shadow',
  'deleted file /usr/share/doc/pkg/other',
  'metadata directory /home',
  'metadata file /etc/group',
  'modified file /etc/passwd',
  'modified file /usr/share/doc/pkg/file',
  'replaced directory /usr/share/doc/pkg',
  'replaced file /opt/tool',
]

for (const name of engineNames) {
  test(`${name}: a layer directory tells what was done, running, stopped and running again`, async () => {
    const engine = await testEngine(name)
    const tag = `paddock-test/layer:${name}`
    const context = join(stateDir, name)
    mkdirSync(context)
    writeFileSync(join(context, 'Dockerfile'), dockerfile)
    await engine.cli('build', '--network', 'none', '-t', tag, context)
    const container = await engine.run({
      name: 'layer',
      image: tag,
      args: ['-v', '/data', '--tmpfs', '/scratch'],
    })
    assert.deepEqual(await changesOf(engine, container.id), [], 'nothing was done yet')

    await container.exec('sh', '-c', script)
    assert.deepEqual(await changesOf(engine, container.id), expected)
    await engine.cli('stop', '-t', '0', container.id)
    assert.deepEqual(await changesOf(engine, container.id), expected)
    await engine.cli('start', container.id)
    assert.deepEqual(await changesOf(engine, container.id), expected)
  })
}

test('a container that stopped before anybody looked is one sentence where its engine tells nothing', async () => {
  const engine = await testEngine('docker-containerd')
  const container = await engine.run({ name: 'unseen' })
  await engine.cli('stop', '-t', '0', container.id)
  await assert.rejects(changesOf(engine, container.id), (error) => {
    assert.ok(error instanceof UserError)
    assert.match(error.message, /it is exited, and its engine tells where that lies only while it runs/)
    return true
  })
})

test('a container that was started again, or whose process number is another, since the engine answered', async () => {
  const engine = await testEngine('docker-containerd')
  const asked = await reader(engine)
  const [container, other] = [await engine.run({ name: 'again' }), await engine.run({ name: 'other' })]
  const before = await asked.container(container.id)
  const own = locateLayer(before)
  const reused = { ...before, pid: await other.pid() }
  assert.throws(() => locateLayer(reused), /process \d+ is another's by now/)
  assert.equal((await locateContainer(asked, reused)).layer.upper, own.upper)

  await engine.cli('restart', '-t', '0', container.id)
  assert.throws(() => locateLayer(before), UserError)
  const { container: now, layer } = await locateContainer(asked, before)
  assert.equal(now.pid, await container.pid())
  assert.equal(layer.merged, `/proc/${now.pid}/root`)
  assert.notEqual(now.pid, before.pid)

  await engine.cli('rm', '-f', container.id)
  await assert.rejects(locateContainer(asked, now), (error) => error instanceof UserError && error.isMissing)
})

test('a container that is removed while it is scanned ends the scan, and is no error', async () => {
  const engine = await testEngine('docker')
  const container = await engine.run({ name: 'removed' })
  await container.exec('sh', '-c', 'for d in $(seq 300); do mkdir /tmp/$d && touch /tmp/$d/1 /tmp/$d/2; done')
  const layer = locateLayer(await (await reader(engine)).container(container.id))
  let removed: Promise<string> | null = null
  const report = await scanLayer(layer, { expectation: expectNothing }, async () => {
    removed ??= engine.cli('rm', '-f', container.id)
    await removed
  })
  assert.equal(report.removed, true)
  assert.deepEqual(report.unreadable, [])
})
