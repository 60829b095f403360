import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { readPolicyFile } from '../../src/policy/file.ts'
import { type RunningWatch, startWatchCommand } from '../fixtures/running-watch.ts'
import { debianImage, testEngine, type TestContainer } from './harness.ts'

/*
 * Real services learnt at their work: the same work is expected then, by a scan and by watch, and what an intruder
 * plants is not. `npm run soak` lets each work for an hour.
 */

const WORK_SECONDS = Number(process.env['PADDOCK_LEARN_WORK_SECONDS'] ?? '20')
const folder = mkdtempSync('/var/tmp/paddock-learn-')
after(() => rmSync(folder, { recursive: true, force: true }))
const engine = await testEngine('docker')

function paddock(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const words = ['src/bin/paddock.ts', ...args, '--engine', engine.address]
  const env = { ...engine.env, PADDOCK_STATE_DIR: folder, PADDOCK_CONFIG_DIR: join(folder, 'none') }
  return new Promise((resolve) => {
    execFile(process.execPath, words, { env }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err })
    })
  })
}

interface Service {
  readonly packages: readonly string[]
  readonly args: readonly string[]
  readonly command: readonly string[]
  /** By sh in the container: fails until the service is ready. */
  readonly ready: string
  readonly work: string
  readonly required: RegExp
}

const services: Readonly<Record<string, Service>> = {
  nginx: {
    packages: ['nginx-light'],
    args: [],
    // The cached image has no logs, nor folders of them.
    command: ['sh', '-c', 'mkdir -p /var/log/nginx && exec nginx -g "daemon off;"'],
    ready: 'test -s /run/nginx.pid',
    work: `bash -c 'exec 3<>/dev/tcp/127.0.0.1/80; printf "GET / HTTP/1.0\\r\\n\\r\\n" >&3; grep -q nginx <&3'`,
    required: /exe: \/usr\/sbin\/nginx, user: www-data, required: true/,
  },
  redis: {
    packages: ['redis-server'],
    args: ['--user', 'redis'],
    command: ['redis-server', '--dir', '/var/lib/redis'],
    ready: 'redis-cli ping | grep -q PONG',
    work: 'redis-cli set key value && redis-cli save && redis-cli bgsave',
    required: /exe: \/usr\/bin\/redis-check-rdb, user: redis, required: true/,
  },
  postgres: {
    packages: ['postgresql'],
    args: [],
    command: [
      'sh',
      '-c',
      'chown postgres /run/postgresql && exec setpriv --reuid postgres --regid postgres --init-groups ' +
        '/usr/lib/postgresql/15/bin/postgres -D /var/lib/postgresql/15/main -c config_file=/etc/postgresql/15/main/postgresql.conf',
    ],
    ready: 'pg_isready -q',
    work: `su postgres -c "psql -q -c 'create table if not exists t (n int); insert into t values (1); checkpoint'"`,
    required: /exe: \/usr\/lib\/postgresql\/15\/bin\/postgres, user: postgres, required: true/,
  },
}

/** What an intruder who became root does: no learnt line may cover any of it. */
const planted = [
  { path: '/tmp/.x', how: 'cp /bin/true /tmp/.x' },
  { path: '/usr/local/bin/httpd', how: 'cp /bin/true /usr/local/bin/httpd' },
  { path: '/run/nginx.pid.sh', how: 'cp /bin/true /run/nginx.pid.sh' },
  { path: '/usr/bin/planted', how: 'install -m 4755 /bin/true /usr/bin/planted' },
  { path: '/etc/passwd', how: 'echo "toor::0:0::/:/bin/sh" >> /etc/passwd' },
  { path: '/root/.ssh/authorized_keys', how: 'mkdir -p /root/.ssh && echo key > /root/.ssh/authorized_keys' },
  { path: '/etc/ld.so.preload', how: 'echo /tmp/x.so > /etc/ld.so.preload' },
  { path: '/etc/cron.d/job', how: 'mkdir -p /etc/cron.d && echo "* * * * * root /tmp/.x" > /etc/cron.d/job' },
  { path: '/etc/group', how: 'rm /etc/group' },
  { path: '/usr/bin/id', how: 'cp /bin/false /usr/bin/id' },
]

async function untilReady(container: TestContainer, ready: string): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await container.exec('sh', '-c', ready)
      return
    } catch (error) {
      if (attempt === 50 || String(error).includes('is not running')) throw error
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
}

for (const [name, service] of Object.entries(services)) {
  test(`${name}: learnt, its work is expected, and each of ten planted changes is not`, async (t) => {
    const image = await debianImage(engine, { tag: `paddock-test/${name}:1`, packages: service.packages })
    const container = await engine.run({ name, image, args: service.args, command: service.command })
    // Debian gives the first service of an image the same user id: two at once are told, as they should be.
    t.after(() => engine.cli('rm', '--force', '--volumes', container.id))
    await untilReady(container, service.ready)
    const file = join(folder, `${name}.yaml`)
    const test = `for i in $(seq 15); do docker exec ${container.name} sh -c '${service.work.replaceAll("'", `'\\''`)}' && sleep 0.5 || exit 1; done`
    const learnt = await paddock('learn', container.name, '--for', '1m', '--test', test, '-o', file)
    const written = existsSync(file) ? readFileSync(file, 'utf8') : ''
    assert.equal(learnt.code, 0, `${learnt.out}${learnt.err}${written}`)
    assert.deepEqual(readPolicyFile(file).problems, [], written)
    assert.match(written, service.required)
    for (const line of written.split('\n').filter((each) => each.startsWith('  - ')))
      assert.match(line, / # /)

    // The same work, and no unexpected change.
    for (let times = 0; times < 3; times++) await container.exec('sh', '-c', service.work)
    const quiet = await paddock('scan', container.name, '--policy', file)
    assert.equal(quiet.code, 0, `${quiet.out}${written}`)
    const again = await paddock('learn', container.name, '--for', '1m', '--test', test, '-o', file)
    assert.equal(again.code, 0, `${again.out}${again.err}${written}`)
    assert.match(again.out, /^Nothing new/)
    assert.equal(readFileSync(file, 'utf8'), written)

    // The same work for longer, and not one alert.
    const watch = await startWatchCommand(['--engine', engine.address, '--policy', file], (act) => {
      t.after(act)
    })
    const end = Date.now() + WORK_SECONDS * 1000
    while (Date.now() < end) {
      await container.exec('sh', '-c', service.work)
      await sleep(1000)
    }
    await sweep(watch)
    assert.deepEqual(toldOf(container, watch), [], written)

    // And of what is planted, each is told, by watch and by a scan.
    for (const { how } of planted) await engine.cli('exec', '--user', 'root', container.id, 'sh', '-c', how)
    for (const { path: name } of planted) {
      await watch.finding(
        name,
        ({ container: of, path }) => of?.name === container.name && path?.path === name,
      )
    }
    const { stdout } = await watch.paddock('alerts', 'ls', '--json', '--container', container.name)
    assert.ok((JSON.parse(stdout) as { alerts: unknown[] }).alerts.length > 0)
    const { out } = await paddock('scan', container.name, '--json', '--policy', file)
    const { containers } = JSON.parse(out) as { containers: { changes: { path: string }[] }[] }
    const scanned = new Set(containers[0]?.changes.map(({ path }) => path))
    assert.deepEqual(
      planted.map(({ path }) => path).filter((path) => !scanned.has(path)),
      [],
      written,
    )

    // Learnt once more, what is new is shown and nothing else; programs, setuid and what is grave are left to a person.
    await engine.cli(
      'exec',
      '--user',
      'root',
      container.id,
      'sh',
      '-c',
      'mkdir /srv/new && echo x > /srv/new/data',
    )
    const more = await paddock('learn', container.name, '--for', '3s', '-o', file)
    assert.equal(more.code, 1, more.out + more.err)
    assert.match(
      more.out,
      /^New in \d+ s[^]*\n  - \{ path: \/srv\/new\/data, kinds: \[added\][^]*\n# Not learnt/,
    )
    const lines = more.out.split('\n').filter((line) => line.startsWith('  - '))
    for (const line of lines) {
      assert.ok(!planted.some(({ path }) => line.includes(path)), line)
      assert.ok(!written.includes(line), `${line} was learnt before`)
    }
    assert.equal(readFileSync(file, 'utf8'), written)
  })
}

function toldOf({ name }: TestContainer, watch: RunningWatch): string[] {
  return watch.findings.filter(({ container }) => container?.name === name).map(({ summary }) => summary)
}

/** The whole of the layer directories, now; what it finds has come when this is through. */
async function sweep(watch: RunningWatch): Promise<void> {
  const [url = ''] = /http:\S+/.exec(watch.said()) ?? []
  const token = readFileSync(join(watch.folder, 'state/watch/token'), 'utf8').trim()
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const lastSweepAt = async () => {
    const answer = await fetch(new URL('/api/v1/overview', url), { headers })
    return ((await answer.json()) as { sensor: { lastSweepAt: string } }).sensor.lastSweepAt
  }
  const before = await lastSweepAt()
  const asked = await fetch(new URL('/api/v1/sweep', url), { method: 'POST', headers, body: '{}' })
  assert.equal(asked.status, 200, await asked.text())
  while ((await lastSweepAt()) === before) await sleep(200)
  await sleep(1000)
}
