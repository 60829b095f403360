import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { engineNames, testEngine, type TestEngine } from './harness.ts'
import { paddock as runPaddock } from './paddock.ts'

interface Scan {
  ok: boolean
  canary: { ok: boolean }
  failures: { container: string; error: string }[]
  containers: {
    name: string
    layerDir: string
    counts: { total: number; expected: number; unexpected: number }
    changes: Record<string, unknown>[]
  }[]
}

const state = mkdtempSync('/var/tmp/paddock-scan-')
after(() => rmSync(state, { recursive: true, force: true }))

const paddock = (engine: TestEngine, ...args: string[]) =>
  runPaddock(engine, { PADDOCK_STATE_DIR: state }, ...args, '--policy', join(state, 'policy.yaml'))

writeFileSync(
  join(state, 'policy.yaml'),
  'match: { container: "*" }\nexpect:\n  - /var/log/**\n  - { path: /tmp/small, maxSize: 10 }\n',
)

for (const name of engineNames) {
  test(`${name}: what was done in a container is what the scan says`, async () => {
    const engine = await testEngine(name)
    const container = await engine.run({ name: 'scanned' })
    const quiet = await paddock(engine, 'scan', container.name, '--json')
    assert.equal(quiet.code, 0, quiet.out)

    await container.exec(
      'sh',
      '-c',
      `cp /bin/busybox /tmp/.x && chmod 4755 /tmp/.x
       echo 'toor::0:0::/:/bin/sh' >> /etc/passwd
       mkdir -p /var/log/app && echo fine > /var/log/app/log
       echo abc > /tmp/small
       rm /etc/group
       ln -s /etc/shadow "/tmp/$(printf 'two\\nlines')"`,
    )
    const { code, out } = await paddock(engine, 'scan', container.name, '--json', '--hash')
    assert.equal(code, 1)
    const scan = JSON.parse(out) as Scan
    assert.equal(scan.ok, false)
    assert.deepEqual(scan.canary, { ok: true })
    const [scanned] = scan.containers
    assert.equal(scanned?.name, container.name)
    const found = new Map(scanned.changes.map((change) => [change['path'], change]))
    const kinds = [...found].map(([path, change]) => `${String(change['kind'])} ${String(path)}`)
    assert.deepEqual(kinds.sort(), [
      'added /tmp/.x',
      'added /tmp/two\nlines',
      'deleted /etc/group',
      'modified /etc/passwd',
    ])
    const dropped = found.get('/tmp/.x')
    assert.equal(dropped?.['severity'], 'critical')
    assert.equal(dropped['mode'], '104755')
    assert.match(String(dropped['sha256']), /^[0-9a-f]{64}$/)
    assert.ok((dropped['reasons'] as string[]).includes('executable'))
    assert.equal(found.get('/tmp/two\nlines')?.['type'], 'symlink')

    const people = await paddock(engine, 'scan', container.name, '--all')
    assert.equal(people.code, 1)
    assert.match(people.out, /CRITICAL +added +\/tmp\/\.x/)
    assert.match(people.out, /expected +added +\/var\/log\/app\/log .*policy\.yaml:3/)
    assert.match(people.out, /\/tmp\/two\\nlines/)

    // Where the engine says nothing of stopped containers, the first scan has remembered where the layer lies.
    await engine.cli('stop', '-t', '0', container.id)
    const stopped = await paddock(engine, 'scan', container.name, '--json', '--hash')
    assert.equal(stopped.code, 1, stopped.err)
    const [again] = (JSON.parse(stopped.out) as Scan).containers
    assert.deepEqual(again, scanned)
  })
}

test('a canary in a named container is found and taken away again', async () => {
  const engine = await testEngine('docker')
  const container = await engine.run({ name: 'canary' })
  const { code, out } = await paddock(engine, 'scan', container.name, '--canary', container.name, '--json')
  assert.equal(code, 0, out)
  assert.deepEqual((JSON.parse(out) as Scan).canary, { ok: true })
  assert.equal((await container.exec('ls', '-a', '/')).includes('canary'), false)
})

test('a canary that cannot be written makes the scan not ok', async () => {
  const engine = await testEngine('docker')
  const container = await engine.run({ name: 'stopped-canary' })
  await engine.cli('stop', '-t', '0', container.id)
  const { code, out } = await paddock(engine, 'scan', container.name, '--canary', container.name, '--json')
  assert.equal(code, 1, out)
  assert.equal((JSON.parse(out) as Scan).canary.ok, false)
})

test('one that cannot be scanned does not keep the others from it, and the order is that of the names', async () => {
  const engine = await testEngine('docker')
  const containers = []
  for (const name of ['first', 'broken', 'last']) containers.push(await engine.run({ name }))
  const [first, broken, last] = containers
  assert.ok(first && broken && last)
  for (const container of [first, last]) await container.exec('touch', '/left')
  const upper = await engine.cli('inspect', '-f', '{{.GraphDriver.Data.UpperDir}}', broken.id)
  renameSync(upper, `${upper}.gone`)
  try {
    const names = containers.map(({ name }) => name)
    const { code, out } = await paddock(engine, 'scan', ...names, '--json')
    assert.equal(code, 2, out)
    const scan = JSON.parse(out) as Scan
    assert.deepEqual(
      scan.containers.map(({ name, changes }) => [name, changes.map(({ path }) => path)]),
      [
        [first.name, ['/left']],
        [broken.name, []],
        [last.name, ['/left']],
      ],
    )
    assert.deepEqual(
      scan.failures.map(({ container }) => container),
      [broken.name],
    )
    const people = await paddock(engine, 'scan', ...names)
    assert.equal(people.code, 2)
    assert.match(
      people.out,
      /NOT SCANNED +cannot read the container .*broken: its layer directory .* is not there/,
    )
    assert.match(people.out, /2 unexpected changes in 2 of 3 containers, 1 not scanned/)
  } finally {
    renameSync(`${upper}.gone`, upper)
  }
})

test('a storage driver without layer directories is said to be one, of each container', async () => {
  const engine = await testEngine('docker-vfs')
  const names = [(await engine.run({ name: 'whole' })).name, (await engine.run({ name: 'stopped' })).name]
  await engine.cli('stop', '-t', '0', names[1] ?? '')
  const { code, out } = await paddock(engine, 'scan', ...names, '--json')
  assert.equal(code, 2, out)
  assert.deepEqual(
    (JSON.parse(out) as Scan).failures,
    names.map((container) => ({
      container,
      error: `cannot read the container ${container}: the storage driver vfs has no layer directory`,
    })),
  )
  const people = await paddock(engine, 'scan')
  assert.equal(people.code, 2)
  assert.match(people.out, /NOT SCANNED .*storage driver vfs has no layer directory; use an overlay storage/)
})

test('a name that no container has is one sentence and exit code 2', async () => {
  const engine = await testEngine('docker')
  const { code, out } = await paddock(engine, 'scan', 'nobody')
  assert.equal(code, 2)
  assert.equal(out, '')
})
