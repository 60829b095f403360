import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { testWatch } from '../watch/running.ts'
import { containerRef, intrusion } from '../watch/scene.ts'
import { freePort, makeHerd, webCompose } from './herd.ts'
import { testEngine } from './harness.ts'

/* What the commands of services make of watch's alerts: a real watch, told of findings by a producer in place of the sensor. */

const engine = await testEngine('docker-bridge')
const herd = makeHerd(engine, 'alerted')
const runDir = join(dirname(herd.dir), 'run')
mkdirSync(runDir)
herd.env['PADDOCK_RUN_DIR'] = runDir
after(() => herd.remove())

const port = await freePort()
const declare = (header: string) => {
  herd.service('web', {
    'compose.yaml': webCompose(
      `ports: ["127.0.0.1:${port}:8080"]\nenvironment: { VERSION: "${header}" }`,
      'healthyWithin: 20s',
    ),
    test: '#!/bin/sh\nexit 0\n',
  })
}
declare('one')

interface Ps {
  services: {
    project: string
    containers: { name: string; alerts: { open: number; worst: string | null } | null }[]
    gone: { name: string; alerts: { open: number } }[]
  }[]
}

async function status(): Promise<Ps['services'][number]> {
  const { services } = (await herd.json(0, 'ps', 'web')) as unknown as Ps
  assert.ok(services[0] !== undefined)
  return services[0]
}

/** What the service's container was started with. */
async function version(): Promise<string> {
  const { containers } = await status()
  const env = await engine.cli('inspect', '--format', '{{json .Config.Env}}', containers[0]?.name ?? '')
  return /VERSION=(\w+)/.exec(env)?.[1] ?? ''
}

/** An upgrade, and what happens once it watches the new containers. */
async function upgradeWhile(watch: string, act: () => void): Promise<{ code: number | null; out: string }> {
  const child = spawn(
    process.execPath,
    ['src/bin/paddock.ts', 'upgrade', 'web', '--no-build', '--watch', watch],
    { env: herd.env, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  createInterface(child.stderr).on('line', (line) => {
    if (line.includes('watching')) act()
  })
  const ended = once(child, 'exit') as Promise<[number | null]>
  const out = await text(child.stdout)
  const [code] = await ended
  return { code, out }
}

test('without an answer of watch, alerts are unknown, and ps does not wait for it', async () => {
  const up = await herd.paddock('up', 'web')
  assert.equal(up.code, 0, up.err)
  assert.equal((await status()).containers[0]?.alerts, null)
  assert.match((await herd.paddock('ps')).out, / unknown$/m)

  const deaf = createServer(() => undefined).listen(join(runDir, 'watch.sock'))
  await once(deaf, 'listening')
  assert.equal((await status()).containers[0]?.alerts, null)
  deaf.close()
})

test('ps shows open alerts, also of containers that are gone; an upgrade goes back for a new one alone', async () => {
  await using watch = await testWatch()
  herd.env['PADDOCK_RUN_DIR'] = watch.runDir
  const { project, containers } = await status()
  const name = containers[0]?.name ?? ''
  assert.deepEqual(containers[0]?.alerts, { open: 0, worst: null })
  const tell = (container: string, seed: string) =>
    watch.producer.emit(...intrusion(containerRef(container, seed), []))
  tell(name, 'a')
  tell(`${project}-web-7`, 'b')
  tell('of-no-service', 'c')
  while ((await watch.api<{ alerts: unknown[] }>('/alerts')).alerts.length < 3) await sleep(50)

  const told = await status()
  assert.deepEqual(told.containers[0]?.alerts, { open: 1, worst: 'critical' })
  assert.deepEqual(told.gone, [{ name: `${project}-web-7`, alerts: { open: 1, worst: 'critical' } }])
  const { out } = await herd.paddock('ps')
  assert.match(out, new RegExp(`${name} .* 1 critical$`, 'm'))
  assert.match(out, new RegExp(`gone +${project}-web-7 .* 1 critical$`, 'm'))

  declare('two')
  const kept = await upgradeWhile('2s', () => {
    const container = containerRef(name, 'e')
    watch.producer.emit({
      container,
      group: `${container.id}:process:user`,
      count: 1,
      kind: 'process',
      source: 'process-sweep',
      severity: 'low',
      reasons: ['user-shared'],
      summary: 'processes of user 65534 run here and in another too',
    })
  })
  assert.equal(kept.code, 0, kept.out)
  assert.equal(await version(), 'two')
  assert.equal((await status()).containers[0]?.alerts?.open, 2, 'it is an alert all the same')

  declare('three')
  // What is open already goes on in the new container.
  const { code, out: said } = await upgradeWhile('5m', () => tell(name, 'd'))
  assert.equal(code, 1, said)
  assert.match(said, /WENT BACK: alert \d+ \(critical\): /)
  assert.equal(await version(), 'two')
  declare('four')
  // Told of the new container while it still had the name under which compose makes one that replaces another.
  const replaced = await upgradeWhile('5m', () => tell(`0123456789ab_${name}`, 'f'))
  assert.equal(replaced.code, 1, replaced.out)
  assert.match(replaced.out, /WENT BACK: alert \d+ \(critical\): /)
  // It stays there: the folder's declaration is the one that was not well.
  assert.equal((await herd.paddock('restart', 'web')).code, 0)
  assert.equal(await version(), 'two')
})

test('another declaration of the same images is another release: rollback returns to the one before', async () => {
  const { out, code, err } = await herd.paddock('rollback', 'web')
  assert.equal(code, 0, err)
  assert.match(out, /^web: back to /)
  assert.equal(await version(), 'one')
})
