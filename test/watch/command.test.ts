import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Readable, Writable } from 'node:stream'
import { after, test } from 'node:test'
import { main } from '../../src/cli/main.ts'
import { eventually } from '../receivers/programs.ts'
import { testWatch } from './running.ts'
import { hostileFinding, intrusion, web } from './scene.ts'

/* `paddock alerts …` as it is typed, against a running watch. */

const receiver = createServer((_request, response) => response.end()).listen(0, '127.0.0.1')
await once(receiver, 'listening')
after(() => receiver.close())
const hook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`
const watch = await testWatch(`notify:
  - { name: works, type: webhook, url: "${hook}" }
  - { name: broken, type: slack, url: "http://127.0.0.1:9/s3cret", severity: critical }
`)
after(() => watch[Symbol.asyncDispose]())

async function paddock(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const sink = (take: (text: string) => void) =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        take(chunk.toString())
        done()
      },
    })
  const code = await main(argv, {
    stdin: Readable.from([]),
    stdout: sink((text) => (out += text)),
    stderr: sink((text) => (err += text)),
    env: { PADDOCK_RUN_DIR: watch.runDir, SUDO_USER: 'alice' },
    signal: new AbortController().signal,
  })
  return { code, out, err }
}

interface Listed {
  readonly version: number
  readonly alerts: readonly Record<string, unknown>[]
}
const list = async () => JSON.parse((await paddock('alerts', 'ls', '--json')).out) as Listed

test('nothing open: says so, and exits with 0', async () => {
  for (const typed of [['alerts'], ['alerts', 'ls']]) {
    assert.deepEqual(await paddock(...typed), { code: 0, out: 'No open alerts.\n', err: '' })
  }
  assert.deepEqual(await list(), { version: 1, alerts: [] })
})

test('an open alert is listed with the keys of the contract, and exits with 1', async () => {
  watch.producer.emit(...intrusion(web, [watch.producer.keep(Buffer.from('dropped'))]))
  await eventually(async () => assert.equal((await list()).alerts[0]?.['count'], 4))
  const { code, out } = await paddock('alerts')
  assert.equal(code, 1)
  assert.match(
    out,
    /^ {4}1 {2}critical {2}a shell by `docker exec` wrote a new program \/tmp\/\.x.* and ran it: denied\n {17}web · /,
  )
  const [alert] = (await list()).alerts
  const contract = [
    'id',
    'state',
    'severity',
    'summary',
    'container',
    'firstAt',
    'lastAt',
    'count',
    'causePresent',
  ]
  assert.deepEqual(
    contract.filter((key) => !Object.hasOwn(alert ?? {}, key)),
    [],
  )
  assert.deepEqual(
    [alert?.['id'], alert?.['state'], alert?.['severity'], alert?.['container']],
    ['1', 'open', 'critical', 'web'],
  )
  await eventually(async () => assert.equal((await list()).alerts[0]?.['causePresent'], true))
})

test('filters narrow the list', async () => {
  assert.match((await paddock('alerts', '--container', 'web', '--severity', 'critical')).out, /docker exec/)
  assert.equal((await paddock('alerts', '--container', 'db')).code, 0)
  assert.match((await paddock('alerts', 'ls', '--search', 'CURL')).out, /docker exec/)
  const wrong = await paddock('alerts', '--severity', 'terrible')
  assert.deepEqual(
    [wrong.code, wrong.err],
    [2, 'paddock: severity is one of info, low, medium, high, critical\n'],
  )
})

test('the story is told in its order', async () => {
  const { code, out } = await paddock('alerts', 'show', '1')
  assert.equal(code, 0)
  const wanted = [
    'What happened',
    'a file /tmp/.x was written',
    '/usr/bin/curl',
    'mode: 100755 → 104755',
    'Who did it',
    'sh -c wget',
    '  wget -O',
    'Evidence',
    'execAllow:',
    '  - /tmp/.x',
  ]
  let position = 0
  for (const text of wanted) {
    position = out.indexOf(text, position)
    assert.ok(position >= 0, `${text} in its place in:\n${out}`)
  }
  assert.equal(
    (JSON.parse((await paddock('alerts', 'show', '1', '--json')).out) as { alert: { id: string } }).alert.id,
    '1',
  )
  const none = await paddock('alerts', 'show', '99')
  assert.deepEqual([none.code, none.err], [2, 'paddock: there is no alert 99\n'])
})

test('what a container is called cannot move the cursor, nor split a line', async () => {
  const name = 'x\u001b[2J\nfake\r\u009b31m\u202e'
  watch.producer.emit({
    ...hostileFinding(),
    group: 'tty',
    summary: 'a new program /tmp/x\\x1b[2J',
    path: { path: `/tmp/${name}` },
  })
  await eventually(async () => assert.equal((await list()).alerts.length, 2))
  for (const typed of [['alerts'], ['alerts', 'show', '2']]) {
    const { out } = await paddock(...typed)
    assert.doesNotMatch(out, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
    assert.doesNotMatch(out, /^fake/m)
  }
  assert.match((await paddock('alerts')).out, /a new program \/tmp\/x\\x1b\[2J/)
})

test('evidence is written as it was: one file, private, not executable, over nothing that exists', async () => {
  const path = join(watch.folder, 'dropped')
  assert.equal((await paddock('alerts', 'evidence', '1', '-o', path)).code, 0)
  assert.equal(readFileSync(path, 'utf8'), 'dropped')
  assert.equal(statSync(path).mode & 0o777, 0o600)
  const again = await paddock('alerts', 'evidence', '1', '-o', path)
  assert.equal(again.code, 2)
  assert.match(again.err, /cannot write evidence to .*EEXIST/)
  const victim = join(watch.folder, 'victim')
  const link = join(watch.folder, 'link')
  symlinkSync(victim, link)
  assert.equal((await paddock('alerts', 'evidence', '1', '-o', link)).code, 2)
  assert.throws(() => statSync(victim), /ENOENT/)
  const none = await paddock('alerts', 'evidence', '2', '-o', join(watch.folder, 'none'))
  assert.match(none.err, /alert 2 has no evidence/)
})

test('several captured files are a folder, named by their hash', async () => {
  const kept = [Buffer.from('one'), Buffer.alloc(100_000, 3)].map((bytes) => watch.producer.keep(bytes))
  watch.producer.emit({
    ...hostileFinding(),
    group: 'several',
    processes: [],
    evidence: kept,
    container: { ...web, name: 'other', id: 'f'.repeat(64) },
  })
  await eventually(async () => assert.equal((await list()).alerts.length, 3))
  const path = join(watch.folder, 'several')
  assert.equal((await paddock('alerts', 'evidence', '3', '-o', path)).code, 0)
  assert.deepEqual(readdirSync(path).sort(), kept.map(({ sha256 }) => sha256).sort())
})

test('acknowledging needs a reason, says which policy would have expected it, and names who did it', async () => {
  const without = await paddock('alerts', 'ack', '1')
  assert.deepEqual(
    [without.code, without.err],
    [2, 'paddock: cannot acknowledge without a reason; say why with --reason TEXT\n'],
  )
  assert.equal((await paddock('alerts', 'ack', '1', '--reason', ' ')).code, 2)
  const done = await paddock('alerts', 'ack', '1', '--reason', 'we did it')
  assert.equal(done.code, 0)
  assert.match(done.out, /^acknowledged 1\n {2}policy that would have expected it:\n {4}expect:\n/)
  const acknowledged = (await list()).alerts.find(({ id }) => id === '1')
  assert.equal(acknowledged?.['state'], 'acknowledged')
  assert.deepEqual((acknowledged['acknowledged'] as { by: string }).by, 'alice (socket)')
  const twice = await paddock('alerts', 'ack', '1', '2', '--reason', 'again')
  assert.equal(twice.code, 2)
  assert.match(twice.out, /^acknowledged 2\n/)
  assert.match(twice.err, /alert 1 was acknowledged by alice \(socket\)/)
  assert.doesNotMatch((await paddock('alerts')).out, /docker exec/)
  assert.match((await paddock('alerts', '--all')).out, /acknowledged by alice \(socket\): we did it/)
})

test('maintenance is begun, listed and ended', async () => {
  const begun = await paddock('alerts', 'pause', 'web', '--for', '30m', '--reason', 'upgrade')
  assert.equal(begun.code, 0)
  assert.match(begun.out, /web {2}until \d{4}-.* · upgrade · alice \(socket\)/)
  assert.match((await paddock('alerts', 'pause', '--end', '1')).out, /ended/)
  assert.match((await paddock('alerts', 'pause')).out, /web {2}ended/)
  for (const [typed, problem] of [
    [['web'], /say for how long, and why/],
    [['web', '--for', '3 weeks', '--reason', 'x'], /'3 weeks' is not a length of time/],
    [['web', '--for', '2d', '--reason', 'x'], /between 1 second and 24 hours/],
    [['--end', '9'], /none of that number is under way/],
  ] as const) {
    const { code, err } = await paddock('alerts', 'pause', ...typed)
    assert.equal(code, 2)
    assert.match(err, problem)
  }
})

test('a test of the channels says which of them fails, and not the secret in its address', async () => {
  const { code, out } = await paddock('alerts', 'test-notify')
  assert.equal(code, 1)
  assert.match(out, /^works: delivered\nbroken: http:\/\/127.0.0.1:9 cannot be reached: .*\n$/)
  assert.equal((await paddock('alerts', 'test-notify', 'works')).code, 0)
  assert.match((await paddock('alerts', 'test-notify', 'none')).err, /there is no channel none/)
})

test('the record is verified, and an edit of a copy is found', async () => {
  const { code, out } = await paddock('alerts', 'verify')
  assert.equal(code, 0)
  const head = /^Head: (\d+:[0-9a-f]{64})$/m.exec(out)?.[1] ?? ''
  assert.equal((await paddock('alerts', 'verify', '--head', head)).code, 0)
  const copy = join(watch.folder, 'copy.db')
  assert.equal((await paddock('alerts', 'backup', copy)).code, 0)
  assert.equal(statSync(copy).mode & 0o777, 0o600)
  assert.equal((await paddock('alerts', 'verify', copy, '--head', head)).code, 0)
  {
    using database = new DatabaseSync(copy)
    database.exec(`UPDATE alerts SET acknowledged_by = 'mallory' WHERE id = 1`)
  }
  const found = await paddock('alerts', 'verify', copy)
  assert.deepEqual(
    [found.code, found.out.split('\n')[0]],
    [1, 'the acknowledgement of alert 1 differs from the journal'],
  )
  writeFileSync(join(watch.folder, 'rubbish.db'), 'rubbish'.repeat(1000))
  assert.match(
    (await paddock('alerts', 'verify', join(watch.folder, 'rubbish.db'))).err,
    /file is not a database/,
  )
  assert.equal((await paddock('alerts', 'verify', '--head', 'x')).code, 2)
  // Nothing of the copies is left behind.
  await eventually(() => {
    const left = readdirSync(join(watch.stateDir, 'watch'))
    assert.deepEqual(
      left.filter((name) => name.startsWith('backup')),
      [],
    )
  })
})

test('without a watch there is one sentence, and what to try', async () => {
  mkdirSync(join(watch.folder, 'elsewhere'))
  const io = { stdin: Readable.from([]), stdout: process.stdout, signal: new AbortController().signal }
  let err = ''
  const stderr = new Writable({
    write(chunk: Buffer, _encoding, done) {
      err += chunk.toString()
      done()
    },
  })
  const code = await main(['alerts'], {
    ...io,
    stderr,
    env: { PADDOCK_RUN_DIR: join(watch.folder, 'elsewhere') },
  })
  assert.equal(code, 2)
  assert.match(
    err,
    /^paddock: cannot reach watch at .*elsewhere\/watch\.sock: it does not run; start it with `paddock watch`/,
  )
})
