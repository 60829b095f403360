import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { runDocker } from './docker-client.ts'
import { engineNames, fixtureImage, type TestEngine, testEngine } from './harness.ts'

/*
 * A service that is a shell script: what it starts, what it only looks at, and what it never touches, on every engine.
 */

const folder = mkdtempSync(join(tmpdir(), 'paddock-harden-'))
after(() => {
  rmSync(folder, { recursive: true, force: true })
})

const script = `#!/bin/sh
[ -e /opt/marker ] || exit 9
test -x /opt/looked-at || exit 8
cat /opt/data/read > /dev/null || exit 7
exec httpd -f -p 8080 -h /srv
`
const dockerfile = `FROM ${fixtureImage}
COPY run /app/run
RUN mkdir -p /opt/data /srv /data /etc/init.d \\
 && echo x > /opt/marker && echo x > /opt/looked-at && chmod 755 /opt/looked-at && echo x > /opt/never && chmod 666 /opt/never \\
 && echo x > /opt/marked && echo x > /opt/data/read && ln /opt/data/read /opt/data/second && ln -s data/read /opt/link \\
 && echo hello > /srv/index.html && echo other > /srv/other.html \\
 && echo x > /etc/init.d/x && cp /bin/busybox /usr/bin/suid && chmod 4755 /usr/bin/suid && chown app /data
ENV GREETING=hello
EXPOSE 8080
VOLUME /data
LABEL who=me
STOPSIGNAL SIGKILL
USER app
WORKDIR /srv
ENTRYPOINT ["/app/run"]
`

for (const name of engineNames) {
  describe(name, async () => {
    const engine = await testEngine(name)
    const image = `${engine.prefix}service:1`
    await build(engine, image)

    test('rules: the service answers, what no service needs is gone, the configuration and the digest are the same', async () => {
      const [first, second] = [`${engine.prefix}rules:1`, `${engine.prefix}rules:2`]
      const done = await paddock(
        engine,
        'harden',
        image,
        '-t',
        first,
        '--json',
        '--test',
        'curl -fsS http://127.0.0.1:8080/other.html',
      )
      assert.equal(done.code, 0, done.err)
      const report = JSON.parse(done.out) as Report
      assert.deepEqual(
        [report.version, report.ok, report.depth, report.after.setuid, report.after.worldWritableFiles],
        [1, true, 'rules', 0, 0],
      )
      assert.ok(report.weakSpots.some(({ id }) => id === 'busybox'))
      assert.deepEqual(await configOf(engine, first), await configOf(engine, image))
      assert.equal(await layersOf(engine, first), 1)
      const files = await filesOf(engine, first)
      for (const gone of ['/etc/init.d/x', '/usr/bin/suid', '/bin/od', '/root'])
        assert.ok(!files.has(gone), gone)
      for (const kept of ['/app/run', '/opt/never', '/opt/link', '/data', '/bin/httpd'])
        assert.ok(files.has(kept), kept)
      assert.equal((await paddock(engine, 'harden', image, '-t', second)).code, 0)
      assert.equal(await idOf(engine, second), await idOf(engine, first))
      if (name !== 'docker') return

      const found = await paddock(engine, 'harden', '--verify', image, '--json')
      assert.equal(found.code, 1)
      const verified = await paddock(engine, 'harden', '--verify', first)
      assert.equal(verified.code, 0, verified.out)
    })

    test('trace: what was only looked at stays, what nothing touched goes, and the other page is still there', async () => {
      const traced = `${engine.prefix}traced:1`
      const done = await paddock(
        engine,
        'harden',
        image,
        '-t',
        traced,
        '--trace',
        '--json',
        '--test',
        'curl -fsS http://127.0.0.1:8080/',
      )
      assert.equal(done.code, 0, done.err + done.out)
      const report = JSON.parse(done.out) as Report
      assert.deepEqual([report.depth, report.after.setuid, report.after.worldWritableFiles], ['trace', 0, 0])
      const files = await filesOf(engine, traced)
      for (const kept of ['/opt/marker', '/opt/looked-at', '/opt/data/read', '/srv/other.html', '/data'])
        assert.ok(files.has(kept), kept)
      for (const gone of ['/opt/never', '/opt/marked', '/opt/link', '/bin/ls', '/usr/bin/suid'])
        assert.ok(!files.has(gone), gone)
      assert.deepEqual(await configOf(engine, traced), await configOf(engine, image))
    })
  })
}

describe('proof', async () => {
  const engine = await testEngine('docker')
  const image = `${engine.prefix}proof:1`
  await build(engine, image)
  // The first run does not use it, the second does: as a test that asks more than the traced one did.
  const state = join(folder, 'asked')
  const growing = `test -e ${state} && { docker exec $PADDOCK_CONTAINER /bin/busybox ls /opt | grep -q never; exit $?; }; touch ${state}; curl -fsS http://$PADDOCK_ADDR:$PADDOCK_PORT_8080/`

  test('a test that fails afterwards: the missing file and the --keep are told, and nothing gets the name', async () => {
    rmSync(state, { force: true })
    const done = await paddock(
      engine,
      'harden',
      image,
      '-t',
      `${engine.prefix}failed:1`,
      '--trace',
      '--json',
      '--test',
      growing,
    )
    assert.equal(done.code, 1, done.err)
    const report = JSON.parse(done.out) as Report
    assert.deepEqual([report.ok, report.imageId, report.test?.ok], [false, null, false])
    // Nothing asks for the file by its name, it is missed in a list: it is found by putting back.
    assert.deepEqual([report.test?.foundBy, report.test?.keep], ['tried', '--keep /opt/never'])
    await assert.rejects(idOf(engine, `${engine.prefix}failed:1`))
    assert.equal(await engine.cli('images', '-q', 'paddock-harden'), '', 'the trial image is gone')
  })

  test('a script that misses a file tells which, and --heal keeps it', async () => {
    const broken = `${engine.prefix}heal:1`
    const script = `exec sh -c 'd=/var/cache; cat $d/needed && exec httpd -f -p 8080 -h /srv'`
    await buildFrom(
      engine,
      broken,
      `FROM ${image}\nUSER root\nRUN mkdir -p /var/cache && echo x > /var/cache/needed\nUSER app\nENTRYPOINT ["sh", "-c", "${script.replaceAll('"', '\\"')}"]\n`,
    )
    const args = [broken, '-t', `${engine.prefix}healed:1`, '--test', 'true']
    const failed = await paddock(engine, 'harden', ...args, '--keep', '/bin/cat', '--keep', '/bin/httpd')
    assert.equal(failed.code, 1, failed.out + failed.err)
    assert.match(failed.out, /missed {2}\/var\/cache\/needed/)
    assert.match(failed.out, /--keep \/var\/cache\/needed/)
    const healed = await paddock(engine, 'harden', ...args, '--heal', '--report', join(folder, 'report.html'))
    assert.equal(healed.code, 0, healed.out + healed.err)
    assert.match(healed.out, /healed .*--keep \/var\/cache\/needed/)
    assert.match(readFileSync(join(folder, 'report.html'), 'utf8'), /^<!doctype html>.*Before and after/s)
  })

  test('several traced runs add up', async () => {
    const both = `${engine.prefix}both:1`
    const reads = (path: string) => ['--test', `docker exec $PADDOCK_CONTAINER cat ${path}`]
    const runs = [...reads('/opt/never'), ...reads('/opt/marked')]
    const done = await paddock(engine, 'harden', image, '-t', both, '--trace', ...runs)
    assert.equal(done.code, 0, done.out + done.err)
    const files = await filesOf(engine, both)
    // By what it was called, too: a link to busybox.
    for (const kept of ['/opt/never', '/opt/marked', '/bin/cat']) assert.ok(files.has(kept), kept)
  })

  test('a test that fails before anything was hardened is an error, not a finding', async () => {
    const done = await paddock(
      engine,
      'harden',
      image,
      '-t',
      `${engine.prefix}never:1`,
      '--trace',
      '--test',
      'false',
    )
    assert.equal(done.code, 2)
    assert.match(done.err, /its test fails before anything was hardened/)
  })
})

interface Report {
  readonly version: number
  readonly ok: boolean
  readonly depth: string
  readonly imageId: string | null
  readonly after: { readonly setuid: number; readonly worldWritableFiles: number }
  readonly weakSpots: readonly { readonly id: string }[]
  readonly test: {
    readonly ok: boolean
    readonly foundBy: string | null
    readonly keep: string | null
  } | null
}

async function build(engine: TestEngine, image: string): Promise<void> {
  await buildFrom(engine, image, dockerfile)
}

async function buildFrom(engine: TestEngine, image: string, text: string): Promise<void> {
  const context = mkdtempSync(join(folder, 'context-'))
  writeFileSync(join(context, 'run'), script, { mode: 0o755 })
  writeFileSync(join(context, 'Dockerfile'), text)
  await runDocker(engine.address, ['build', '--quiet', '--network', 'none', '--tag', image, context])
}

async function configOf(engine: TestEngine, image: string): Promise<unknown> {
  const [{ Config: config }] = JSON.parse(await engine.cli('image', 'inspect', image)) as [
    { Config: Record<string, unknown> },
  ]
  const { User, Env, Entrypoint, Cmd, WorkingDir, Labels, ExposedPorts, Volumes, StopSignal } = config
  return { User, Env, Entrypoint, Cmd: Cmd ?? null, WorkingDir, Labels, ExposedPorts, Volumes, StopSignal }
}

async function layersOf(engine: TestEngine, image: string): Promise<number> {
  return Number(await engine.cli('image', 'inspect', '--format', '{{len .RootFS.Layers}}', image))
}

async function idOf(engine: TestEngine, image: string): Promise<string> {
  return engine.cli('image', 'inspect', '--format', '{{.Id}}', image)
}

/** Names in an image, by the engine's own export. */
async function filesOf(engine: TestEngine, image: string): Promise<ReadonlySet<string>> {
  const id = await engine.cli(
    'create',
    '--name',
    `${engine.prefix}look${String(Math.random()).slice(2)}`,
    '--network',
    'none',
    image,
  )
  const archive = join(folder, `${id}.tar`)
  await engine.cli('export', '--output', archive, id)
  await engine.cli('rm', id)
  const names = await new Promise<string>((resolve, reject) => {
    const child = spawn('tar', ['-tf', archive])
    let text = ''
    child.stdout.on('data', (piece: Buffer) => (text += piece.toString('latin1')))
    child.on('error', reject)
    child.on('close', () => {
      resolve(text)
    })
  })
  return new Set(names.split('\n').map((line) => `/${line.replace(/^\.?\//, '').replace(/\/$/, '')}`))
}

function paddock(
  engine: TestEngine,
  ...args: string[]
): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['src/bin/paddock.ts', ...args, '--engine', engine.address], {
      env: engine.env,
    })
    const said = { out: '', err: '' }
    child.stdout.on('data', (piece: Buffer) => (said.out += piece.toString()))
    child.stderr.on('data', (piece: Buffer) => (said.err += piece.toString()))
    child.on('error', reject)
    child.on('close', (code) => {
      resolve({ code, ...said })
    })
  })
}
