import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { freePort, makeHerd } from './herd.ts'
import { testEngine } from './harness.ts'

const port = await freePort()
const engine = await testEngine('docker-bridge')
const herd = makeHerd(engine)
after(async () => {
  await herd.remove()
  for (const tag of ['live', 'prev', 'latest'])
    await engine.cli('image', 'rm', `herd/shop:${tag}`).catch(() => undefined)
})

interface Outcome {
  ok: boolean
  services: Record<string, unknown>[]
}

const page = join(herd.dir, 'shop/files/srv/www/index.html')

async function imageId(tag: string): Promise<string> {
  return engine.cli('image', 'inspect', '--format', '{{.Id}}', `herd/shop:${tag}`)
}

async function served(): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}/`)).text()
}

test('a new service builds, passes its test, is promoted and runs', async () => {
  const init = await herd.paddock('init', 'shop')
  assert.equal(init.code, 0, init.err)
  const compose = join(herd.dir, 'shop/compose.yaml')
  writeFileSync(compose, readFileSync(compose, 'utf8').replace(':8080:8080', `:${port}:8080`))
  const early = await herd.paddock('up', 'shop')
  assert.equal(early.code, 2)
  assert.match(early.err, /there is no image 'herd\/shop:live'; make it: paddock build shop/)

  const build = (await herd.json(0, 'build', 'shop')) as unknown as Outcome
  assert.deepEqual(build.services[0]?.['images'], { 'herd/shop': await imageId('latest') })
  const untested = await herd.paddock('promote', 'shop')
  assert.equal(untested.code, 2)
  assert.match(untested.err, /its test never passed; test it: paddock test shop/)

  const passed = await herd.paddock('test', 'shop')
  assert.equal(passed.code, 0, passed.err)
  assert.match(passed.err, /shop: \| the page is there/)
  const left = ['--filter', `label=paddock.herd=${herd.dir}`, '--filter', 'label=paddock.instance=test']
  assert.equal(await engine.cli('ps', '-aq', ...left), '')
  assert.deepEqual(readdirSync(herd.policies), [])

  assert.equal((await herd.paddock('promote', 'shop')).code, 0)
  assert.equal(await imageId('live'), await imageId('latest'))
  const up = await herd.paddock('up', 'shop')
  assert.equal(up.code, 0, up.err)
  assert.match(await served(), /shop is up/)
})

test('an upgrade to a version whose test fails leaves production alone and keeps the logs', async () => {
  const live = await imageId('live')
  writeFileSync(page, 'broken')
  const upgrade = await herd.json(1, 'upgrade', 'shop', '--watch', '1s')
  const [shop] = (upgrade as unknown as Outcome).services
  assert.equal(shop?.['outcome'], 'test-failed')
  assert.match(
    readFileSync(join(String(shop['logs']), 'test.log'), 'utf8'),
    /did not match the regular expression .shop is up/,
  )
  assert.equal(await imageId('live'), live)
  assert.match(await served(), /shop is up/)
  const promote = await herd.paddock('promote', 'shop')
  assert.match(promote.err, /its test did not pass for the image/)
})

test('an upgrade that passes its test and is not well goes back by itself, with its own declaration', async () => {
  const live = await imageId('live')
  writeFileSync(page, 'shop is up, second')
  const path = join(herd.dir, 'shop/compose.yaml')
  const declared = readFileSync(path, 'utf8')
  // Well at first; then it writes where its policy expects nothing. In the test nobody looks at that.
  const worse = declared.replace(
    '    build: .',
    '    build: .\n    read_only: false\n    user: "0:0"\n    command: [/usr/bin/busybox, sh, -c, "echo x > /etc/dropped; exec /usr/bin/busybox httpd -f -p 8080 -h /srv/www"]',
  )
  writeFileSync(path, worse)
  const upgrade = await herd.json(1, 'upgrade', 'shop', '--watch', '3s')
  const [shop] = (upgrade as unknown as Outcome).services
  assert.equal(shop?.['outcome'], 'back')
  assert.match(String(shop['reason']), /unexpected change/)
  assert.equal(await imageId('live'), live)
  assert.equal(await served(), '<!doctype html>\n<title>shop</title>\n<h1>shop is up</h1>\n')
  // The folder still holds the worse declaration: production keeps its own, through a restart.
  const restart = await herd.paddock('restart', 'shop')
  assert.equal(restart.code, 0, restart.err)
  const user = await engine.cli(
    'ps',
    '-q',
    '--filter',
    'label=paddock.instance=prod',
    '--filter',
    `label=paddock.herd=${herd.dir}`,
  )
  assert.equal(await engine.cli('inspect', '--format', '{{.HostConfig.ReadonlyRootfs}}', user), 'true')
  writeFileSync(path, declared)
})

test('an upgrade that is well stays; rollback returns, and returns from there', async () => {
  const first = await imageId('live')
  const upgrade = await herd.paddock('upgrade', 'shop', '--watch', '1s')
  assert.equal(upgrade.code, 0, upgrade.err)
  const second = await imageId('live')
  assert.notEqual(first, second)
  assert.equal(await imageId('prev'), first)
  assert.equal(await served(), 'shop is up, second')

  const rollback = await herd.paddock('rollback', 'shop')
  assert.equal(rollback.code, 0, rollback.err)
  assert.match(rollback.out, /shop: back to [0-9a-f]{12} \(promoted .*\), from [0-9a-f]{12}/)
  assert.equal(await imageId('live'), first)
  assert.match(await served(), /<h1>shop is up/)
  assert.equal((await herd.paddock('rollback', 'shop')).code, 0)
  assert.equal(await served(), 'shop is up, second')
})

test('what runs and is not what its tag names is told as drift', async () => {
  await engine.cli('tag', await imageId('prev'), 'herd/shop:live')
  const ps = (await herd.json(0, 'ps', 'shop')) as { services?: { containers: { drift: boolean }[] }[] }
  assert.equal(ps.services?.[0]?.containers[0]?.drift, true)
  assert.ok(existsSync(herd.state))
})
