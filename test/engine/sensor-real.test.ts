import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import {
  copyFileSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sensorOn } from '../attacks/sensor-under-test.ts'
import { debianImage, fixtureImage, testEngine, type TestContainer } from './harness.ts'

/*
 * Under `exec: deny` real software starts, reloads and works as without: not one of its programs is denied. And the engine that
 * goes and comes back while its containers run takes nothing from what is seen and denied.
 */

/** 50 in `npm run soak`. */
const RESTARTS = Number(process.env['PADDOCK_RESTARTS'] ?? '8')

const engine = await testEngine('docker-live')
const under = await sensorOn(engine, { exec: 'deny' })
after(() => under.stop())

interface Service {
  readonly packages: readonly string[]
  readonly command: readonly string[]
  /** By sh in the container: fails until the service is ready. */
  readonly ready: string
  /** Each by sh in the container. */
  readonly work: readonly string[]
}

const services: Readonly<Record<string, Service>> = {
  nginx: {
    packages: ['nginx-light'],
    command: ['sh', '-c', 'mkdir -p /var/log/nginx && exec nginx -g "daemon off;"'],
    ready: 'test -s /run/nginx.pid',
    work: [
      'nginx -t',
      'nginx -s reload',
      `bash -c 'exec 3<>/dev/tcp/127.0.0.1/80; printf "GET / HTTP/1.0\\r\\n\\r\\n" >&3; grep -q nginx <&3'`,
      'nginx -s reopen',
    ],
  },
  redis: {
    packages: ['redis-server'],
    command: ['redis-server', '--dir', '/var/lib/redis'],
    ready: 'redis-cli ping | grep -q PONG',
    work: [
      'redis-cli set key value && redis-cli bgsave && redis-cli save',
      'redis-benchmark -q -n 200 -c 4 > /dev/null',
      'redis-check-rdb /var/lib/redis/dump.rdb',
    ],
  },
  postgres: {
    packages: ['postgresql'],
    command: ['sh', '-c', 'pg_ctlcluster 15 main start; exec sleep 1000000'],
    ready: `runuser -u postgres -- psql -qc 'select 1' > /dev/null`,
    work: [
      `runuser -u postgres -- psql -qc 'create table t (a int); insert into t select generate_series(1, 1000)'`,
      'pg_ctlcluster 15 main reload',
      'pg_ctlcluster 15 main restart',
      `runuser -u postgres -- pg_dump postgres > /dev/null`,
    ],
  },
}

const COREUTILS = `set -e; cd /tmp
for f in $(dpkg -L coreutils | grep -E '^/(usr/)?bin/'); do
  test -x $f || continue
  case $f in */yes|*/sleep|*/false|*/chroot|*/[) ;; *) $f --version > /dev/null ;; esac
done
i=0; while [ $i -lt 200 ]; do /bin/true; i=$((i+1)); done
seq 100 | sort -rn | head -3 | tr 1 2 | wc -l > /dev/null
find / -xdev -maxdepth 2 -name 'e*' -exec basename {} \\; | sort | uniq -c > /dev/null
tar cf - /etc 2>/dev/null | gzip | gunzip | tar tf - > /dev/null; perl -e 'system "true"'`

const PYTHON = `import concurrent.futures, subprocess, sys, tempfile, unittest, py_compile
assert subprocess.run(['/bin/sh', '-c', 'exit 3']).returncode == 3
with concurrent.futures.ProcessPoolExecutor(2) as pool: assert list(pool.map(abs, [-1, -2])) == [1, 2]
class T(unittest.TestCase):
    def test(self): self.assertEqual(subprocess.check_output([sys.executable, '-c', 'print(6*7)']), b'42\\n')
assert unittest.main(argv=['t'], exit=False).result.wasSuccessful()`

const NODE = `const { execFileSync } = require('node:child_process'); const { Worker } = require('node:worker_threads')
if (String(execFileSync(process.execPath, ['-p', '6*7'])).trim() !== '42') process.exit(1)
new Worker('process.exit(0)', { eval: true }).on('exit', (code) => process.exit(code))`

function denied({ id }: Pick<TestContainer, 'id'>): readonly string[] {
  return under.findings
    .filter(({ container, exec }) => container?.id === id && exec !== undefined)
    .map(({ summary }) => summary)
}

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; !(await holds()); tries++) {
    if (tries > 600) throw new Error(`it never came that ${what}`)
    await sleep(100)
  }
}

const succeeds = (act: Promise<unknown>): Promise<boolean> =>
  act.then(
    () => true,
    () => false,
  )

describe('real software under deny', () => {
  for (const [name, service] of Object.entries(services)) {
    test(`${name} starts, works and reloads, and none of its programs is denied`, async () => {
      const image = await debianImage(engine, { tag: `paddock-test/${name}:1`, packages: service.packages })
      const container = await engine.run({ name, image, command: service.command })
      await until(`${name} is ready`, () => succeeds(container.exec('sh', '-c', service.ready)))
      for (const line of service.work) await container.exec('sh', '-c', line)
      assert.deepEqual(denied(container), [])
    })
  }

  test('python, node, a shell script with all of coreutils, and a program of the image that was chmod-ed', async () => {
    const image = await imageWithNode()
    const container = await engine.run({ name: 'tools', image })
    // A copy-up that changes nothing of the content is no new program.
    await container.exec('sh', '-c', 'chmod 711 /usr/bin/factor && factor 6')
    await container.exec('python3', '-c', PYTHON)
    await container.exec('node', '-e', NODE)
    await container.exec('bash', '-c', COREUTILS)
    assert.deepEqual(denied(container), [])
  })

  test('a health check, docker cp in both directions, docker exec', async () => {
    const health = ['--health-cmd=test -e /etc/passwd && /bin/true', '--health-interval=1s']
    const container = await engine.run({ name: 'health', args: health })
    const folder = mkdtempSync(join(tmpdir(), 'paddock-cp-'))
    after(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'page'), 'x')
    await engine.cli('cp', join(folder, 'page'), `${container.id}:/page`)
    await engine.cli('cp', `${container.id}:/bin/busybox`, folder)
    for (let n = 0; n < 20; n++) await container.exec('ls', '/')
    await until('it is healthy', async () =>
      (await engine.cli('inspect', '-f', '{{.State.Health.Status}}', container.id)).includes('healthy'),
    )
    assert.deepEqual(denied(container), [])
  })

  test(`a container restarted ${RESTARTS} times starts each time, and what it drops at once never runs`, async () => {
    // Busybox is what it is called, and goes by any name that begins with its own.
    const story = `echo started >> /starts; cp /bin/busybox /busybox.dropped
      /busybox.dropped sh -c 'echo ran >> /ran'; (while :; do /bin/true; done) & exec sleep 1000000`
    const container = await engine.run({ name: 'restarted', command: ['sh', '-c', story] })
    for (let n = 0; n < RESTARTS; n++) await engine.cli('restart', '--time=0', container.id)
    const starts = await container.exec('sh', '-c', 'until [ -e /busybox.dropped ]; do :; done; cat /starts')
    assert.equal(starts.split('\n').length, RESTARTS + 1)
    assert.equal(await container.exec('sh', '-c', 'cat /ran 2>/dev/null; true'), '', 'a dropped program ran')
    const told = denied(container)
    assert.ok(told.length > 0)
    assert.deepEqual(
      told.filter((summary) => !summary.includes('/busybox.dropped')),
      [],
    )
  })

  test('a verdict on a large program that was copied up is counted as slow, and allowed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'paddock-large-'))
    after(() => rmSync(folder, { recursive: true }))
    const pad = 'RUN (cat /bin/busybox; head -c 200000000 /dev/zero) > /bin/large && chmod 755 /bin/large'
    writeFileSync(join(folder, 'Dockerfile'), `FROM ${fixtureImage}\n${pad}\n`)
    const image = `${engine.prefix}large`
    await engine.cli('build', '--network', 'none', '--tag', image, folder)
    const container = await engine.run({ name: 'large', image })
    const slow = () => under.sensor.answers.status().counters['slowVerdicts'] ?? 0
    const before = slow()
    await container.exec('sh', '-c', 'chmod 711 /bin/large && exec -a true /bin/large || /bin/large true')
    await until('it is counted', () => slow() > before)
    assert.deepEqual(denied(container), [])
  })
})

test('the engine restarts while its containers run: told, and what they do meanwhile and afterwards is seen and denied', async () => {
  const container = await engine.run({ name: 'outlives' })
  const pid = await container.pid()
  const inside = (...command: string[]) =>
    run('nsenter', ['--all', `--target=${pid}`, `--root=/proc/${pid}/root`, '--wd=/', ...command])
  const restart = rememberEngine(engine.pid)
  process.kill(engine.pid, 'SIGTERM')
  await under.finding('the engine that is gone', ({ reasons }) => reasons.includes('engine-lost'))
  await inside(
    '/bin/sh',
    '-c',
    'echo x > /meanwhile; cp /bin/busybox /busybox.dropped; /busybox.dropped touch /ran; true',
  )
  const seen = (
    { container: of, path }: { container: { id: string } | null; path?: { path: string } },
    at: string,
  ) => of?.id === container.id && path?.path === at
  await under.finding('what it wrote meanwhile', (finding) => seen(finding, '/meanwhile'))
  await under.finding(
    'what it ran meanwhile',
    (finding) => seen(finding, '/busybox.dropped') && finding.exec?.verdict === 'denied',
  )
  restart()
  await until('the engine is back', () => succeeds(engine.cli('version')))
  const after = await engine.run({
    name: 'after',
    command: ['sh', '-c', 'echo x > /first; exec sleep 1000000'],
  })
  const first = await under.finding(
    'the first file of a container that started afterwards',
    ({ container: of, path }) => of?.id === after.id && path?.path === '/first',
  )
  assert.equal(first.source, 'fanotify')
  const status = () => under.sensor.answers.containers()
  await until('both are followed', () =>
    [container, after].every(({ id }) =>
      status().some((one) => one.container.id === id && one.state === 'running'),
    ),
  )
  assert.equal(status().find((one) => one.container.id === after.id)?.fromFirstInstruction, true)
  assert.equal(await container.pid(), pid, 'it is the same process')
  await assert.rejects(container.exec('test', '-e', '/ran'), 'the dropped program did not run')
})

/** How to start an engine again as it was. */
function rememberEngine(pid: number): () => void {
  const read = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'utf8').split('\0').filter(Boolean)
  const [program = '', ...args] = read('cmdline')
  const env = Object.fromEntries(
    read('environ').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
  const cwd = readlinkSync(`/proc/${pid}/cwd`)
  return () => {
    const output = openSync(engine.log, 'a')
    spawn(program, args, { cwd, env, stdio: ['ignore', output, output], detached: true }).unref()
  }
}

function run(command: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    spawn(command, args, { stdio: 'ignore' }).once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}`)),
    )
  })
}

async function imageWithNode(): Promise<string> {
  const base = await debianImage(engine, { tag: 'paddock-test/python:1', packages: ['python3'] })
  const folder = mkdtempSync(join(tmpdir(), 'paddock-node-'))
  after(() => rmSync(folder, { recursive: true }))
  copyFileSync(process.execPath, join(folder, 'node'))
  writeFileSync(join(folder, 'Dockerfile'), `FROM ${base}\nCOPY node /usr/local/bin/node\n`)
  const tag = `${engine.prefix}node`
  await engine.cli('build', '--network', 'none', '--tag', tag, folder)
  return tag
}
