import assert from 'node:assert/strict'
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { makeHerd, webCompose } from './herd.ts'
import { testEngine } from './harness.ts'
import { suiteDir } from './packages.ts'

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

test('a service that compose gives up waiting for and calls well is not taken for healthy', async () => {
  herd.service('unwell', {
    'compose.yaml': webCompose('', 'healthyWithin: 3s')
      .replace('  web:', '  unwell:')
      .replace('os-release', 'none'),
    test: '#!/bin/sh\nexit 0\n',
  })
  // In place of what compose 2.26 does once in a while: its time over between two looks, it ends with 0.
  const config = join(herd.state, 'hasty')
  mkdirSync(config, { recursive: true })
  const real = join(suiteDir('trixie'), 'usr/libexec/docker/cli-plugins/docker-compose')
  writeFileSync(
    join(config, 'docker-compose'),
    `#!/bin/sh
for word; do
  shift
  case $word in --wait) continue ;; --wait-timeout) skip=yes; continue ;; esac
  [ -z "$skip" ] && set -- "$@" "$word"
  skip=
done
exec ${real} "$@"
`,
    { mode: 0o755 },
  )
  writeFileSync(join(config, 'config.json'), JSON.stringify({ cliPluginsExtraDirs: [config] }))
  const { DOCKER_CONFIG: usual } = herd.env
  herd.env['DOCKER_CONFIG'] = config
  const { code, out, err } = await herd.paddock('test', 'unwell')
  herd.env['DOCKER_CONFIG'] = usual
  assert.equal(code, 1, out + err)
  assert.match(out, /FAILED: cannot start 'unwell': \S+ is not healthy after 3 s/)
})

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
