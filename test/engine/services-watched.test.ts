import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { startWatchCommand } from '../fixtures/running-watch.ts'
import { freePort, makeHerd } from './herd.ts'
import { testEngine } from './harness.ts'

/* An upgrade under the real sensor and watch: what the kernel tells of the new container decides. */

const engine = await testEngine('docker-bridge', { own: true })
const herd = makeHerd(engine, 'watched')
after(async () => {
  await herd.remove()
  for (const tag of ['live', 'prev', 'latest', 'built'])
    await engine.cli('image', 'rm', `watched/site:${tag}`).catch(() => undefined)
})
const port = await freePort()

test('an upgrade that is well raises no alert; one that runs what is not in its image is gone back from', async (t) => {
  const watch = await startWatchCommand(['--engine', engine.address, '--no-audit'], (act) => {
    t.after(act)
  })
  for (const name of ['state', 'run', 'config'])
    herd.env[`PADDOCK_${name.toUpperCase()}_DIR`] = join(watch.folder, name)

  assert.equal((await herd.paddock('init', 'site')).code, 0)
  const compose = join(herd.dir, 'site/compose.yaml')
  const declared = readFileSync(compose, 'utf8').replace(':8080:8080', `:${port}:8080`)
  writeFileSync(compose, declared)
  const first = await herd.paddock('upgrade', 'site', '--watch', '1s')
  assert.equal(first.code, 0, first.out + first.err)
  writeFileSync(join(herd.dir, 'site/files/srv/www/index.html'), '<h1>site is up, second')
  const second = await herd.json(0, 'upgrade', 'site', '--watch', '8s')
  assert.equal((second['services'] as { outcome: string }[])[0]?.outcome, 'kept')
  const { services } = (await herd.json(0, 'ps')) as {
    services: { containers: { name: string; exec: string; alerts: { open: number } | null }[] }[]
  }
  const [container] = services[0]?.containers ?? []
  assert.equal(container?.exec, 'deny')
  assert.equal(container.alerts?.open, 0, (await herd.paddock('alerts')).out)

  // In a tmpfs: no scan of the layer directory would find it.
  writeFileSync(
    compose,
    declared.replace(
      '    build: .',
      `    build: .
    tmpfs: ['/tmp:mode=1777,exec']
    command: [/usr/bin/busybox, sh, -c, "/usr/bin/busybox cp /usr/bin/busybox /tmp/x; /tmp/x true; exec /usr/bin/busybox httpd -f -p 8080 -h /srv/www"]`,
    ),
  )
  const third = await herd.json(1, 'upgrade', 'site', '--watch', '1m')
  const [site] = third['services'] as { outcome: string; reason: string }[]
  assert.equal(site?.outcome, 'back')
  assert.match(site.reason, /^alert \d+ \(\w+\): /)
  assert.match(await (await fetch(`http://127.0.0.1:${port}/`)).text(), /site is up, second/)
})
