import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { parse } from 'yaml'
import { freePort, makeHerd, webCompose } from './herd.ts'
import { testEngine } from './harness.ts'

const engine = await testEngine('docker-bridge')
const herd = makeHerd(engine)
const [port, otherPort] = [await freePort(), await freePort()]
after(() => herd.remove())

interface Ps {
  services: {
    service: string
    instance: string
    state: string
    containers: { name: string; id: string; health: string; exec: string; drift: boolean; image: string }[]
  }[]
}

herd.service('web', {
  'compose.yaml': webCompose(
    `ports: ["127.0.0.1:${port}:8080"]\ncap_add: [NET_BIND_SERVICE]`,
    'exec: deny\nprocesses:\n  - { exe: /bin/busybox }',
  ),
})
herd.service('worker', { 'compose.yaml': webCompose('', 'needs: [web]\nexpect: [/tmp/**]') })

test('a service starts closed, healthy, with its policy; what it opens wider is told', async () => {
  const up = await herd.paddock('up', 'web')
  assert.equal(up.code, 0, up.err)
  assert.match(up.out, /web: opens wider: web keeps the capability NET_BIND_SERVICE/)
  assert.match(up.err, /^web: starting$/m)

  const { services } = (await herd.json(0, 'ps')) as unknown as Ps
  const [web, worker] = services
  assert.equal(web?.state, 'up')
  assert.equal(web.containers[0]?.health, 'healthy')
  assert.equal(web.containers[0].exec, 'deny')
  assert.equal(web.containers[0].drift, false)
  assert.equal(worker?.state, 'down')

  const inspect = JSON.parse(await engine.cli('inspect', web.containers[0].id)) as {
    Config: { User: string }
    HostConfig: Record<string, unknown>
  }[]
  const { HostConfig: host, Config: config } = inspect[0] ?? { HostConfig: {}, Config: { User: '' } }
  assert.deepEqual(host['CapDrop'], ['ALL'])
  assert.deepEqual(host['SecurityOpt'], ['no-new-privileges:true'])
  assert.equal(host['ReadonlyRootfs'], true)
  assert.equal(host['Memory'], 512 * 2 ** 20)
  assert.equal(host['PidsLimit'], 256)
  assert.equal(config.User, '65534:65534')
  assert.equal((await fetch(`http://127.0.0.1:${port}/os-release`)).status, 200)

  const [policy = ''] = readdirSync(herd.policies)
  const written = parse(readFileSync(join(herd.policies, policy), 'utf8')) as Record<string, unknown>
  assert.equal(written['exec'], 'deny')
  assert.deepEqual(written['processes'], [{ exe: '/bin/busybox' }])
})

test('a beginning of the name is enough; logs, shell and restart reach the container', async () => {
  const shell = await herd.paddock('shell', 'we', '--', 'id', '-u')
  assert.deepEqual([shell.code, shell.out.trim()], [0, '65534'])
  const missing = await herd.paddock('shell', 'web', '--', 'no-such-program')
  assert.equal(missing.code, 2)
  assert.match(missing.err, /the image has no such program/)
  assert.equal((await herd.paddock('logs', 'web')).code, 0)

  const before = ((await herd.json(0, 'ps', 'web')) as unknown as Ps).services[0]?.containers[0]?.id
  assert.equal((await herd.paddock('restart', 'web')).code, 0)
  const after = ((await herd.json(0, 'ps', 'web')) as unknown as Ps).services[0]?.containers[0]?.id
  assert.notEqual(before, after)

  const both = await herd.paddock('up', 'w')
  assert.equal(both.code, 2)
  assert.match(both.err, /cannot tell which service 'w' is: web, worker/)
})

test('logs are the bytes themselves, and on a terminal nothing that it would obey', async () => {
  herd.service('loud', {
    'compose.yaml': `services:
  loud:
    image: paddock-test/busybox
    command:
      - sh
      - -c
      - printf 'a\\303\\251\\033[2Jb\\r\\n'; exec sleep 1000
    stop_grace_period: 0s
`,
  })
  assert.equal((await herd.paddock('up', 'loud')).code, 0)
  const words = ['src/bin/paddock.ts', 'logs', 'loud']
  const plain = spawnSync(process.execPath, words, { env: herd.env, encoding: 'latin1' })
  assert.deepEqual([plain.status, plain.stdout], [0, 'a\xc3\xa9\x1b[2Jb\r\n'])
  const typed = [process.execPath, ...words].join(' ')
  const terminal = spawnSync('script', ['-qec', typed, '/dev/null'], { env: herd.env, encoding: 'utf8' })
  assert.deepEqual([terminal.status, terminal.stdout], [0, 'a\xe9\\x1b[2Jb\\r\r\n'])
  assert.equal((await herd.paddock('down', 'loud')).code, 0)
})

test('config shows what compose gets, every default marked, and compose accepts it', async () => {
  const { out, code } = await herd.paddock('config', 'web')
  assert.equal(code, 0)
  assert.match(out, /# opens wider: web keeps the capability NET_BIND_SERVICE/)
  assert.match(out, /# Paddock's default\n +cap_drop:\n +- ALL/)
  assert.match(out, /# Paddock's default\n +read_only: true/)
  const model = parse(out) as { services: { web: { ports: unknown[] } } }
  assert.equal(model.services.web.ports.length, 1)
})

test('instances of one service, and a herd of the same name, run side by side', async () => {
  const other = makeHerd(engine)
  after(() => other.remove())
  other.service('web', { 'compose.yaml': webCompose(`ports: ["127.0.0.1:${otherPort}:8080"]`) })
  const runs = await Promise.all([herd.paddock('up', 'web', '--instance', 'dev'), other.paddock('up', 'web')])
  runs.push(await other.paddock('up', 'web', '--instance', 'dev'))
  for (const { code, err } of runs) assert.equal(code, 0, err)
  const names = (await engine.cli('ps', '--format', '{{.Names}}'))
    .split('\n')
    .filter((name) => name.includes('_web'))
  assert.equal(names.length, 4)
  assert.equal(new Set(names).size, 4)

  const ports =
    (await engine.cli('ps', '--format', '{{.Ports}}', '--filter', 'name=_web')).match(/:(\d+)->/g) ?? []
  assert.equal(new Set(ports).size, 4, ports.join())
  assert.equal((await other.paddock('down', 'web')).code, 0)
  const left = (await engine.cli('ps', '--format', '{{.Names}}'))
    .split('\n')
    .filter((name) => name.includes('_web'))
  assert.equal(left.length, 3)
  assert.equal((await fetch(`http://127.0.0.1:${port}/os-release`)).status, 200)
  assert.equal((await other.paddock('down', '--all', '--instance', 'dev')).code, 0)
  assert.equal((await herd.paddock('down', 'web', '--instance', 'dev')).code, 0)
})

test('what a service needs starts before it and is reached by its name; it is not stopped under it', async () => {
  assert.equal((await herd.paddock('down', 'web')).code, 0)
  const up = await herd.paddock('up', 'worker')
  assert.equal(up.code, 0, up.err)
  const seen = await herd.paddock(
    'shell',
    'worker',
    '--',
    'wget',
    '-q',
    '-O',
    '-',
    'http://web:8080/os-release',
  )
  assert.match(seen.out, /Paddock test image/)
  const refused = await herd.paddock('down', 'web')
  assert.equal(refused.code, 2)
  assert.match(refused.err, /'worker' is running and needs it/)
  const down = await herd.paddock('down', '--all')
  assert.equal(down.code, 0, down.err)
  assert.deepEqual(readdirSync(herd.policies), [])
  assert.ok(existsSync(herd.state))
})

test('a container that was started by hand beside them is watched under the defaults', async () => {
  assert.equal((await herd.paddock('up', 'worker')).code, 0)
  const byHand = await engine.run({ name: 'by-hand' })
  const names = await engine.cli(
    'ps',
    '--format',
    '{{.Names}}',
    '--filter',
    `label=paddock.herd=${herd.dir}`,
    '--filter',
    'label=paddock.service=worker',
  )
  await engine.cli('exec', names, 'touch', '/tmp/x')
  await byHand.exec('touch', '/tmp/x')
  const own = await herd.paddock('scan', names)
  assert.equal(own.code, 0, own.out)
  const other = await herd.paddock('scan', byHand.name)
  assert.equal(other.code, 1, other.out)
})

test('a service whose folder is gone or broken is shown, and stops with its policy', async () => {
  rmSync(join(herd.dir, 'worker'), { recursive: true })
  writeFileSync(join(herd.dir, 'web/compose.yaml'), 'services: [\n')
  const { services } = (await herd.json(0, 'ps')) as unknown as Ps
  assert.deepEqual(
    services.map(({ service, state }) => [service, state]),
    [
      ['loud', 'down'],
      ['web', 'up'],
      ['worker', 'up'],
    ],
  )
  const down = await herd.paddock('down', '--all')
  assert.equal(down.code, 0, down.err)
  assert.deepEqual(readdirSync(herd.policies), [])
  assert.match((await herd.paddock('down', 'worker')).err, /there is no service 'worker'/)
})
