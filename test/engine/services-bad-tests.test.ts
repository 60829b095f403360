import assert from 'node:assert/strict'
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { makeHerd, webCompose } from './herd.ts'
import { testEngine } from './harness.ts'

/* Tests of services that do what no test should: each is ended, told, and leaves nothing but its logs. */

const engine = await testEngine('docker-bridge')
const herd = makeHerd(engine, 'badly')
after(() => herd.remove())

const bad: readonly (readonly [name: string, settings: string, test: string, says: RegExp])[] = [
  [
    'hangs',
    'test: { timeout: 2s }',
    "trap '' TERM; echo begun; while :; do sleep 1; done",
    /it did not end within 2 s/,
  ],
  ['stays', '', 'echo begun; setsid sleep 1000 & exit 0', /it left 1 process running/],
  [
    'fills',
    'test: { disk: 5MiB }',
    'echo begun; exec dd if=/dev/zero of="$PADDOCK_DATA/big" bs=1M count=200 oflag=sync',
    /it wrote \d+ bytes to its scratch folders, and may write 5242880/,
  ],
]

for (const [name, settings, script, says] of bad) {
  herd.service(name, {
    'compose.yaml': webCompose('', `${settings}\nhealthyWithin: 20s`).replace('  web:', `  ${name}:`),
    test: `#!/bin/sh\n${script}\n`,
  })
  test(`a test that ${name} is ended, told, and taken down`, async () => {
    const { out, code, err } = await herd.paddock('test', name)
    assert.equal(code, 1, out + err)
    assert.match(out, new RegExp(`^${name}: FAILED: the test failed: ${says.source}`))
    const logs = /its output and logs: (\S+)/.exec(out)?.[1] ?? ''
    assert.match(readFileSync(join(logs, 'test.log'), 'utf8'), /^begun$/m)
    assert.ok(existsSync(join(logs, `${name}.log`)))
    assert.equal(await engine.cli('ps', '-aq', '--filter', `label=paddock.herd=${herd.dir}`), '')
    assert.deepEqual(globSync(`data/*/${name}/*`, { cwd: herd.state }), [])
    assert.deepEqual(readdirSync(herd.policies), [])
  })
}

test('a test that cannot be run, and one whose service never gets healthy, are told with the logs kept', async () => {
  herd.service('absent', { 'compose.yaml': webCompose().replace('  web:', '  absent:') })
  const absent = await herd.paddock('test', 'absent')
  assert.equal(absent.code, 1, absent.out + absent.err)
  assert.match(absent.out, /FAILED: cannot run .*\/test: there is no such file/)
  herd.service('sick', {
    'compose.yaml': webCompose('', 'healthyWithin: 3s')
      .replace('  web:', '  sick:')
      .replace('os-release', 'none'),
    test: '#!/bin/sh\nexit 0\n',
  })
  const sick = await herd.paddock('test', 'sick')
  assert.equal(sick.code, 1, sick.out + sick.err)
  assert.match(sick.out, /FAILED: cannot start 'sick': /)
  assert.equal(await engine.cli('ps', '-aq', '--filter', `label=paddock.herd=${herd.dir}`), '')
})
