import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, makeHerd, type TestHerd } from './herd.ts'
import { testEngine } from './harness.ts'

/* Two herds of one name with the same two services each: production, development and a test of each herd, all at once. */

const engine = await testEngine('docker-bridge')
const herds = [makeHerd(engine, 'many'), makeHerd(engine, 'many')] as const
for (const herd of herds) {
  after(() => herd.remove())
  for (const service of ['one', 'two']) {
    herd.service(service, {
      // Says which container it is, by its port and in its data.
      'compose.yaml': `services:
  ${service}:
    image: paddock-test/busybox
    command: [sh, -c, 'hostname >/www/index.html && exec httpd -f -p 8080 -h /www']
    stop_grace_period: 0s
    ports: ['127.0.0.1:${await freePort()}:8080']
    volumes: ['\${PADDOCK_DATA}/www:/www']
    healthcheck: { test: [CMD, wget, -q, -O, /dev/null, 'http://127.0.0.1:8080/'], interval: 1s }
x-paddock:
  data: [{ path: www, owner: '65534:65534', mode: '0755' }]
`,
      test: '#!/bin/sh\nuntil [ -e ../go ]; do sleep 0.1; done\n',
    })
  }
}

interface Running {
  readonly Id: string
  readonly State: { readonly StartedAt: string }
  readonly Config: { readonly Labels: Readonly<Record<string, string>> }
  readonly NetworkSettings: {
    readonly Ports: Readonly<Record<string, readonly { readonly HostPort: string }[]>>
    readonly Networks: Readonly<Record<string, { readonly NetworkID: string }>>
  }
  readonly Mounts: readonly { readonly Source: string }[]
}

async function running(herd: TestHerd): Promise<readonly Running[]> {
  const ids = await engine.cli('ps', '-q', '--no-trunc', '--filter', `label=paddock.herd=${herd.dir}`)
  if (ids === '') return []
  return JSON.parse(await engine.cli('inspect', ...ids.split('\n'))) as Running[]
}

/** That each answers as itself: nobody has another's port or data. */
async function answersAsItself({ Id, NetworkSettings, Mounts }: Running): Promise<void> {
  const port = NetworkSettings.Ports['8080/tcp']?.[0]?.HostPort
  const own = Id.slice(0, 12)
  assert.equal((await (await fetch(`http://127.0.0.1:${String(port)}/`)).text()).trim(), own)
  assert.equal(readFileSync(join(Mounts[0]?.Source ?? '', 'index.html'), 'utf8').trim(), own)
}

test('ten instances of two herds do not touch one another', async () => {
  for (const kind of ['prod', 'dev']) {
    // Of one herd, a second command on the same service would wait for nothing: it is sent away.
    const ups = herds.map((herd) => herd.paddock('up', '--all', '--instance', kind))
    for (const { code, err } of await Promise.all(ups)) assert.equal(code, 0, err)
  }
  const tests = herds.map((herd) => herd.paddock('test', 'one'))
  const all = async () => (await Promise.all(herds.map(running))).flat()
  while ((await all()).length < 10) await sleep(100)
  // A test's own port and data, too, once it is healthy.
  await sleep(3000)
  const ten = await all()
  assert.equal(ten.length, 10)
  for (const distinct of [
    ten.map(({ Config }) => Config.Labels['com.docker.compose.project']),
    ten.map(({ NetworkSettings }) => Object.values(NetworkSettings.Networks)[0]?.NetworkID),
    ten.map(({ NetworkSettings }) => NetworkSettings.Ports['8080/tcp']?.[0]?.HostPort),
    ten.map(({ Mounts }) => Mounts[0]?.Source),
  ])
    assert.equal(new Set(distinct).size, 10, distinct.join())
  await Promise.all(ten.map(answersAsItself))
  // Nobody asked to reach the other: its name means nothing.
  const [first, second] = herds
  const reach = await first.paddock(
    'shell',
    'one',
    '--',
    'wget',
    '-q',
    '-O',
    '-',
    '-T',
    '2',
    'http://two:8080/',
  )
  assert.notEqual(reach.code, 0, reach.out)

  for (const herd of herds) writeFileSync(join(herd.dir, 'go'), '')
  for (const { code, out, err } of await Promise.all(tests)) assert.equal(code, 0, out + err)
  const others = await running(second)
  assert.equal(others.length, 4)
  for (const kind of ['dev', 'prod'])
    assert.equal((await first.paddock('down', '--all', '--instance', kind)).code, 0)
  assert.deepEqual(await running(first), [])
  const after = await running(second)
  const state = (all: readonly Running[]) => all.map(({ Id, State }) => [Id, State.StartedAt])
  assert.deepEqual(state(after), state(others))
  await Promise.all(after.map(answersAsItself))
  assert.deepEqual(readdirSync(first.policies), [])
  assert.equal(readdirSync(second.policies).length, 4)
})
