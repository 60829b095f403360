import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { engineNames, testEngine, type TestEngine } from './harness.ts'
import { runPaddock } from '../../src/cli/run.fixture.ts'

const folder = mkdtempSync('/var/tmp/paddock-cow-')
after(() => {
  rmSync(folder, { recursive: true })
})

const policy = join(folder, 'policy.yaml')
writeFileSync(
  policy,
  'match: { container: "*" }\nexpect:\n  - /var/log/**\n  - { path: /srv/app.pid, kinds: [added], maxSize: 10 }\n',
)

function paddock(engine: TestEngine, ...args: string[]) {
  return runPaddock([...args, '--engine', engine.address], { PADDOCK_STATE_DIR: folder })
}

interface Listed {
  readonly changes: readonly { path: string; kind: string; expected: boolean; rule: string | null }[]
  readonly counts: { readonly unexpected: number }
}

interface Explained {
  readonly supposed: boolean
  readonly expected: boolean
  readonly severity: string
  readonly reasons: readonly { readonly id: string }[]
}

const ATTACK = `
  echo 'toor::0:0::/:/bin/sh' >> /etc/passwd
  chmod 666 /etc/group; chown 33:33 /etc/group
  mkdir -p /tmp/.x/deep && cp /bin/busybox /tmp/.x/deep/sh && chmod 4755 /tmp/.x/deep/sh
  ln -s /etc/shadow "/tmp/$(printf 'two\\nlines\\033[2J')"
  mkfifo /tmp/pipe
  mkdir -p /var/log/app && echo fine > /var/log/app/log
  mkdir /srv && echo 1 > /srv/app.pid`

for (const name of engineNames) {
  test(`${name}: what a container changed is listed, compared and put back`, async () => {
    const engine = await testEngine(name)
    const web = await engine.run({ name: 'cow', args: ['--tmpfs', '/scratch'] })
    const pristine = await web.exec(
      'sh',
      '-c',
      'cat /etc/passwd; stat -c "%a %u:%g %Y" /etc/passwd /etc/group',
    )
    await web.exec('sh', '-c', ATTACK)

    const dir = await paddock(engine, 'cow', 'dir', web.name)
    assert.equal(dir.code, 0, dir.err)
    assert.ok(existsSync(join(dir.out.trim(), 'etc/passwd')))

    const ls = await paddock(engine, 'cow', 'ls', web.name, '--json', '--policy', policy)
    assert.equal(ls.code, 1, ls.err)
    const { changes } = JSON.parse(ls.out) as Listed
    assert.deepEqual(
      changes.map(({ kind, path, rule }) => `${kind} ${path}${rule === null ? '' : ' expected'}`).sort(),
      [
        'added /srv',
        'added /srv/app.pid expected',
        'added /tmp/.x',
        'added /tmp/.x/deep',
        'added /tmp/.x/deep/sh',
        'added /tmp/pipe',
        'added /tmp/two\nlines\u001b[2J',
        'added /var/log/app expected',
        'added /var/log/app/log expected',
        'metadata /etc/group',
        'modified /etc/passwd',
      ],
    )
    const people = await paddock(engine, 'cow', 'ls', web.name, '--policy', policy)
    assert.match(people.out, /\/tmp\/two\\nlines\\x1b\[2J/)
    assert.ok(!people.out.includes('\u001b'))

    const diff = await paddock(engine, 'cow', 'diff', web.name, '/etc/passwd')
    assert.equal(diff.code, 1, diff.err)
    assert.match(diff.out, /^modified \/etc\/passwd {2}file$/m)
    assert.match(diff.out, /^\+toor::0:0::\/:\/bin\/sh$/m)
    const metadata = await paddock(engine, 'cow', 'diff', web.name, '/etc/group')
    assert.match(metadata.out, /^ {2}mode +1006\d\d → 100666$/m)
    assert.ok(!metadata.out.includes('@@'))
    const all = await paddock(engine, 'cow', 'diff', web.name, '--json')
    assert.equal((JSON.parse(all.out) as { diffs: unknown[] }).diffs.length, changes.length)

    const asked = await paddock(engine, 'cow', 'restore', web.name, '/etc/passwd')
    assert.equal(asked.code, 2)
    assert.match(asked.err, /nothing was restored: there is no terminal to ask on; add --yes/)
    assert.match(asked.out, /restore +\/etc\/passwd/)
    assert.match(await web.exec('cat', '/etc/passwd'), /toor/)

    const scratch = await paddock(engine, 'cow', 'restore', web.name, '/scratch/x', '/tmp', '--yes')
    assert.equal(scratch.code, 2, scratch.out)
    assert.match(scratch.err, /cannot restore \/scratch\/x: a volume, .* is mounted on \/scratch/)
    assert.match(await web.exec('ls', '-a', '/tmp'), /\.x/, 'what is refused in part is not done in part')

    const restore = await paddock(
      engine,
      'cow',
      'restore',
      web.name,
      '/etc/passwd',
      '/etc/group',
      '/tmp',
      '--yes',
    )
    assert.equal(restore.code, 0, restore.out + restore.err)
    assert.equal(
      await web.exec('sh', '-c', 'cat /etc/passwd; stat -c "%a %u:%g %Y" /etc/passwd /etc/group'),
      pristine,
    )
    const after = await paddock(engine, 'cow', 'ls', web.name, '--json', '--policy', policy)
    const left = JSON.parse(after.out) as Listed
    assert.deepEqual(
      left.changes.filter(({ path, expected }) => !expected && path !== '/srv'),
      [],
    )
    const same = await paddock(engine, 'cow', 'diff', web.name, '/etc/passwd')
    assert.deepEqual([same.code, same.out], [0, '/etc/passwd is as in the image\n'])
  })
}

test('what policy says of a path is explained', async () => {
  const engine = await testEngine('docker')
  const web = await engine.run({
    name: 'explained',
    labels: { 'paddock.expect': '/srv/x', 'paddock.exec': 'deny' },
  })
  await web.exec('sh', '-c', 'mkdir -p /srv; echo 1 > /srv/app.pid; cp /bin/busybox /srv/x')
  const explain = (...args: string[]) =>
    paddock(engine, 'policy', 'explain', web.name, ...args, '--policy', policy)

  const pid = await explain('/srv/app.pid')
  assert.equal(pid.code, 0, pid.err)
  assert.match(pid.out, /expected by .*policy\.yaml:4 {2}\/srv\/app\.pid/)
  await web.exec('sh', '-c', 'echo 12345678901 > /srv/app.pid')
  const big = await explain('/srv/app.pid')
  assert.equal(big.code, 1)
  assert.match(big.out, /not by .*policy\.yaml:4 .*it has 12 bytes, and the rule allows 10/)
  const label = await explain('/srv/x')
  assert.equal(label.code, 0, label.out)
  assert.match(label.out, /expected by label paddock\.expect:1/)
  assert.match(label.out, /severity, were it not expected: critical/)
  assert.match(label.out, /executable .*T1105/)
  assert.match(label.out, /may not run: exec is deny/)
  const supposed = await explain('/etc/cron.d/x', '--json')
  const cron = JSON.parse(supposed.out) as Explained
  assert.deepEqual(
    [cron.supposed, cron.expected, cron.severity, cron.reasons[0]?.id],
    [true, false, 'critical', 'cron'],
  )
})

test('an image cannot say by its labels what is expected of it', async () => {
  const engine = await testEngine('docker')
  const made = await engine.run({ name: 'label-source' })
  const image = `${engine.prefix}hostile:1`
  await engine.cli(
    'commit',
    '--change',
    'LABEL paddock.expect=/**',
    '--change',
    'LABEL paddock.exec=alert',
    made.id,
    image,
  )
  const web = await engine.run({ name: 'hostile', image })
  await web.exec('touch', '/tmp/x')
  const ls = await paddock(engine, 'cow', 'ls', web.name, '--policy', policy)
  assert.equal(ls.code, 1, ls.out)
  assert.match(ls.out, /LOW +added +\/tmp\/x/)
  assert.match(ls.out, /label paddock\.expect: warning: is passed over: it comes from the image/)
  await engine.cli('rm', '-f', web.id)
  await engine.cli('rmi', '-f', image)
})

test('a path that is nowhere, a stopped container, a container that is not: one sentence each', async () => {
  const engine = await testEngine('docker')
  const web = await engine.run({ name: 'sentences' })
  await web.exec('sh', '-c', 'rm -r /home')
  const run = async (...args: string[]) => {
    const { code, err } = await paddock(engine, ...args)
    return [code, err] as const
  }
  assert.deepEqual(await run('cow', 'diff', web.name, '/nowhere'), [
    2,
    `paddock: there is no /nowhere in the image of ${web.name}, nor in the container's own layer; volumes and bind mounts are no part of either\n`,
  ])
  assert.deepEqual(await run('cow', 'diff', web.name, 'etc'), [
    2,
    "paddock: 'etc' is no path inside the container: it does not begin with '/'; write '/etc'\n",
  ])
  assert.match(
    (await run('cow', 'restore', web.name, '/home/app', '--yes'))[1],
    /a folder above it was removed/,
  )
  const refused = await paddock(engine, 'cow', 'restore', web.name, '/home', '--yes')
  assert.equal(refused.code, 2)
  assert.match(refused.out, /REFUSED +\/home +a folder of the image that was removed/)
  await engine.cli('stop', '-t', '0', web.id)
  assert.match(
    (await run('cow', 'restore', web.name, '/tmp', '--yes'))[1],
    /it is exited, and only a running container/,
  )
  assert.equal((await run('cow', 'dir', 'nobody'))[0], 2)
})

test('an intruder who swaps a folder for a link to the host moves nothing of the host', async () => {
  const engine = await testEngine('docker')
  const host = mkdtempSync('/var/tmp/paddock-host-')
  after(() => {
    rmSync(host, { recursive: true })
  })
  writeFileSync(join(host, 'evil'), 'of the host')
  const web = await engine.run({
    name: 'adversary',
    command: [
      'sh',
      '-c',
      `while :; do mkdir -p /live; touch /live/evil; rm -r /live; ln -s ${host} /live; rm /live; done`,
    ],
  })
  const seen = new Set<number>()
  for (let round = 0; round < 80; round++) {
    const { code, err } = await paddock(engine, 'cow', 'restore', web.name, '/live/evil', '--yes')
    seen.add(code)
    assert.ok(code === 0 || err === '' || err.startsWith('paddock: '), err)
  }
  assert.deepEqual([...seen].sort(), [0, 2], 'the race was never on')
  assert.deepEqual(readdirSync(host), ['evil'])
  assert.equal(readFileSync(join(host, 'evil'), 'utf8'), 'of the host')
})
