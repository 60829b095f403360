import assert from 'node:assert/strict'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { bundle, programs } from '../../tools/build.ts'
import { setUp } from '../../tools/setup.ts'
import { webCompose } from '../engine/herd.ts'
import { busyboxTar, fixtureImage } from '../engine/images.ts'
import { suiteDir } from '../engine/packages.ts'
import { bootHost, dockerUnit } from './booted-host/booted-host.ts'

/*
 * Paddock as an administrator has it: its units under a systemd that booted, beside an engine that is a unit too, and through
 * restarts of the host. That host is not in the machine's first namespaces, where alone the kernel has the process
 * connector: this one guarantee is told as lost, and all others hold.
 */

setUp()
assert.equal(process.getuid?.(), 0, 'a host is booted in namespaces: run it as root')

const host = await bootHost()
after(() => host.remove())

const root = join(import.meta.dirname, '../..')
const installed = host.path('/opt/paddock')
mkdirSync(join(installed, 'bin'), { recursive: true })
await bundle(programs(), join(installed, 'dist'))
for (const name of ['koffi', '@koromix'])
  cpSync(join(root, 'node_modules', name), join(installed, 'node_modules', name), { recursive: true })
copyFileSync(realpathSync(process.execPath), join(installed, 'bin/node'))
writeFileSync(
  join(installed, 'bin/paddock'),
  '#!/bin/sh\nexec /opt/paddock/bin/node /opt/paddock/dist/paddock.js "$@"\n',
)
chmodSync(join(installed, 'bin/paddock'), 0o755)

// Where a distribution has them, for the herd's unit knows no other place.
const client = suiteDir('trixie')
for (const [at, to] of [
  ['/usr/local/bin/docker', 'usr/bin/docker'],
  ['/usr/local/lib/docker/cli-plugins/docker-compose', 'usr/libexec/docker/cli-plugins/docker-compose'],
] as const) {
  mkdirSync(dirname(host.path(at)), { recursive: true })
  rmSync(host.path(at), { force: true })
  symlinkSync(join(client, to), host.path(at))
}
writeFileSync(host.path('/etc/systemd/system/docker.service'), dockerUnit())
await host.run('systemctl', 'enable', '--now', 'docker.service')
copyFileSync(busyboxTar(), host.path('/opt/busybox.tar'))
await host.run('docker', 'import', '--change', 'CMD ["sh"]', '/opt/busybox.tar', fixtureImage)

const SELF_TEST_SEEN = /^paddock-sensor: ready: .*, the self-test was seen and denied$/m

/** Until the alerts, as they are listed for a person, say so. */
const told = (expected: RegExp) => host.until(expected, 'paddock', 'alerts', 'ls')

const show = (unit: string, property: string) => ['systemctl', 'show', '--value', '-p', property, unit]
const sensorLog = ['journalctl', '-b', '-o', 'cat', '-u', 'paddock-sensor.service']

/** What a container is made to do: it says so where nobody hindered it. */
const dropAndRun = (name: string) => `cp /bin/busybox /busybox.${name}; /busybox.${name} echo it-ran; true`

test('what install puts there starts, sees its own test, and is refused nothing that it needs', async () => {
  const said = await host.run('paddock', 'install', '--yes')
  assert.match(said, /^done: run systemctl enable --now paddock-sensor\.service/m)
  const log = await host.until(SELF_TEST_SEEN, ...sensorLog)
  assert.doesNotMatch(log, /refused/)
  for (const unit of ['paddock-sensor.service', 'paddock-watch.service']) {
    assert.equal(await host.run(...show(unit, 'ActiveState')), 'active')
    assert.equal(await host.run(...show(unit, 'NRestarts')), '0')
  }
  await host.until(/lost guarantee 1/, 'curl', '-s', 'http://127.0.0.1:7411/healthz')
})

test('the first audit takes what is there for known', async () => {
  await host.until(/^The first audit of unix:/m, 'journalctl', '-o', 'cat', '-u', 'paddock-audit.service')
})

test('a container is looked after from its first instruction, and what is not in its image is denied', async () => {
  const first = `echo x > /first; ${dropAndRun('first')}; exec sleep 1000000`
  const flags = ['--network=none', '--restart=always', '--stop-timeout=1', '--label=paddock.exec=deny']
  await host.run('docker', 'run', '--detach', '--name=web', ...flags, fixtureImage, 'sh', '-c', first)
  await told(/\/busybox\.first.*(denied|not allowed)/)
  assert.equal(await host.run('docker', 'exec', 'web', 'sh', '-c', dropAndRun('later')), '')
  await told(/\/busybox\.later/)
  assert.doesNotMatch(await host.run('docker', 'logs', 'web'), /it-ran/)
})

test('the audit runs of itself when a container starts, and its news are alerts', async () => {
  await told(/audit: container web: /)
  assert.equal(await host.run(...show('paddock-audit.service', 'Result')), 'success')
})

test('a sensor that is killed again and again is started again each time', async () => {
  for (let kills = 0; kills < 8; kills++) {
    const before = await host.until(/^[1-9]/, ...show('paddock-sensor', 'MainPID'))
    await host.run('kill', '-KILL', before)
    await host.until(new RegExp(`^(?!${before}$)[1-9]`), ...show('paddock-sensor', 'MainPID'))
  }
  await told(/the sensor died/)
  await host.until(/active/, 'systemctl', 'is-active', 'paddock-sensor')
  await host.until(/lost guarantee 1/, 'curl', '-s', 'http://127.0.0.1:7411/healthz')
})

test('a unit of an earlier version is replaced, and the sensor runs by the new one', async () => {
  const unit = host.path('/etc/systemd/system/paddock-sensor.service')
  const text = readFileSync(unit, 'utf8')
  writeFileSync(unit, text.replace('RestartSec=100ms', 'RestartSec=200ms'))
  const before = await host.until(/^[1-9]/, ...show('paddock-sensor', 'MainPID'))
  const said = await host.run('paddock', 'install', '--yes')
  assert.match(said, /^done: run systemctl try-restart paddock-sensor\.service$/m)
  assert.equal(readFileSync(unit, 'utf8'), text)
  assert.notEqual(await host.run(...show('paddock-sensor', 'MainPID')), before)
})

test('the host restarts: all of it is there again, what was told stays told, and nothing new cries', async () => {
  mkdirSync(host.path('/srv/herd/site'), { recursive: true })
  writeFileSync(host.path('/srv/herd/site/compose.yaml'), webCompose().replace('  web:', '  site:'))
  await host.run('paddock', 'install', '--herd', '/srv/herd', '--yes')
  const open = async () =>
    (await host.run('sh', '-c', 'paddock alerts ls; true')).match(/^ +\d+ +\w+ +.*$/gm) ?? []
  const before = await open()
  await host.reboot()
  await host.until(/^active$/, 'systemctl', 'is-active', 'paddock-herd.service')
  await host.until(SELF_TEST_SEEN, ...sensorLog)
  assert.equal(await host.run('systemctl', '--failed', '--quiet'), '')
  const number = (line: string): string => line.trim().split(' ')[0] ?? ''
  const known = new Set(before.map(number))
  const news = (await open()).filter((line) => !known.has(number(line)))
  assert.deepEqual(
    news.filter((line) => !line.includes(' low ')),
    [],
  )
  assert.match(await host.run('docker', 'exec', 'web', 'sh', '-c', 'echo up'), /^up$/)
  assert.match(await host.run('docker', 'ps', '--format', '{{.Names}} {{.Status}}'), /site.*healthy/)
  assert.equal(await host.run('docker', 'exec', 'web', 'sh', '-c', dropAndRun('again')), '')
  await told(/\/busybox\.again/)
})

test('uninstall takes all of it away, and leaves the containers alone', async () => {
  await host.run('paddock', 'uninstall', '--purge', '--yes')
  const left =
    'systemctl list-unit-files --no-legend "paddock*"; ls -d /var/lib/paddock/* /etc/paddock /run/paddock; id paddock'
  assert.equal(await host.run('sh', '-c', `${left}; true`), '')
  assert.match(await host.run('docker', 'ps', '--format', '{{.Names}}'), /^web$/m)
})
