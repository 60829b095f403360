import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AuditReport, runAudit } from '../../src/audit/run.ts'
import { connectEngine } from '../../src/engine/connect.ts'
import { testEngine } from './harness.ts'
import { freePort } from '../../src/cli/demo/free-port.ts'

/* A daemon of its own that does everything wrong, on this machine's loopback alone. */

const folder = mkdtempSync('/var/tmp/paddock-audit-daemon-')
const socket = join(folder, 'other-name')
let daemon: ReturnType<typeof spawn> | undefined
let report: AuditReport
let port = 0

before(async () => {
  const model = await testEngine('docker')
  const read = (name: string): string[] =>
    readFileSync(`/proc/${model.pid}/${name}`, 'utf8').split('\0').filter(Boolean)
  const [program = '', ...flags] = read('cmdline')
  const kept = flags.filter((flag) => /^--(init-path|cgroup-parent|exec-opt|iptables|ip-forward)=/.test(flag))
  port = await freePort()
  const config = JSON.parse(
    readFileSync(flags.find((flag) => flag.startsWith('--config-file='))?.slice(14) ?? '', 'utf8'),
  ) as Record<string, unknown>
  writeFileSync(
    join(folder, 'daemon.json'),
    JSON.stringify({
      ...config,
      'deprecated-key-path': join(folder, 'key.json'),
      'insecure-registries': ['registry.test:5000'],
      experimental: true,
    }),
  )
  chmodSync(join(folder, 'daemon.json'), 0o666)
  const own = [
    `--config-file=${join(folder, 'daemon.json')}`,
    `--data-root=${join(folder, 'data')}`,
    `--exec-root=${join(folder, 'exec')}`,
    `--pidfile=${join(folder, 'pid')}`,
    `-H=unix://${socket}`,
    '-H',
    `tcp://127.0.0.1:${port}`,
    '--storage-driver=vfs',
    '-D',
    '--userns-remap=',
  ]
  const log = openSync(join(folder, 'log'), 'a')
  const env = Object.fromEntries(
    read('environ').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
  daemon = spawn(program, [...kept, ...own], { env: { ...env, TMPDIR: folder }, stdio: ['ignore', log, log] })
  for (let round = 0; !existsSync(socket); round++) {
    if (round > 300 || daemon.exitCode !== null)
      throw new Error(`the daemon does not start: ${readFileSync(join(folder, 'log'), 'utf8').slice(-2000)}`)
    await sleep(100)
  }
  chmodSync(socket, 0o666)
  report = await runAudit({ root: '/', engine: await connectEngine({ engine: `unix://${socket}`, env: {} }) })
})

after(async () => {
  if (daemon?.exitCode === null) {
    daemon.kill('SIGTERM')
    await once(daemon, 'exit')
  }
  rmSync(folder, { recursive: true, force: true })
})

const finds: readonly (readonly [id: string, evidence: RegExp])[] = [
  ['api-tcp', /has no TLS at all/],
  ['log-level', /debug is on/],
  ['insecure-registries', /registry\.test:5000/],
  ['experimental', /are on/],
  ['storage-driver', /vfs/],
  ['live-restore', /off/],
  ['log-limits', /json-file without max-size/],
  ['no-new-privileges-default', /not the default/],
  ['userland-proxy', /on/],
  ['default-ulimits', /no default-ulimits/],
  ['userns-remap', /not in force/],
  ['data-partition', /shares the filesystem/],
  ['authorization', /no authorization/],
]

for (const [id, evidence] of finds)
  test(`${id} is found on a daemon that does it`, () => {
    const finding = report.findings.find((each) => each.id === id && each.status === 'fail')
    assert.match(finding?.evidence ?? 'not found', evidence)
  })

test('its socket and its configuration are found by where they are, open to all', () => {
  const open = report.findings
    .filter(
      ({ id, status, severity }) => id === 'daemon-files' && status === 'fail' && severity === 'critical',
    )
    .map(({ subject }) => subject.name)
  assert.deepEqual(open.filter((path) => path.startsWith(folder)).sort(), [
    join(folder, 'daemon.json'),
    socket,
  ])
})

test('a way through each: anyone on this host, by socket, by configuration, by the port', () => {
  const ways = report.findings
    .filter(({ id, subject }) => id === 'escape-path' && subject.name === 'anyone on this host')
    .flatMap(({ details }) => details)
  // mkdtemp's folder is closed to others: only the port is within reach.
  assert.deepEqual(
    ways.filter((way) => way.includes(folder)),
    [],
  )
  assert.ok(ways.includes(`anyone on this host → tcp://127.0.0.1:${port} → root`), ways.join('\n'))
})

test('with its folder open to others the socket and the file are within reach too', async () => {
  chmodSync(folder, 0o755)
  const again = await runAudit({
    root: '/',
    engine: await connectEngine({ engine: `unix://${socket}`, env: {} }),
  })
  const ways = again.findings
    .filter(({ id, subject }) => id === 'escape-path' && subject.name === 'anyone on this host')
    .flatMap(({ details }) => details)
  assert.deepEqual(
    [join(folder, 'daemon.json'), socket].filter(
      (path) => !ways.includes(`anyone on this host → ${path} → root`),
    ),
    [],
  )
})
