import assert from 'node:assert/strict'
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { watchPermissions } from '../../src/watch/permission.ts'
import { SENSOR_SOCKET, WATCH_SOCKET } from '../../src/watch/start.ts'
import { bundle } from '../../tools/build.ts'
import { eventually } from '../receivers/programs.ts'
import { Producer } from '../watch/producer.ts'
import { intrusion, web } from '../watch/scene.ts'

/* Watch as it runs on a host: bundled, as a user without any right, under Node's permission model. */

const NOBODY = 65534
assert.equal(process.getuid?.(), 0, 'this test gives up root, so it must have it: run it as root')

const folder = mkdtempSync('/var/tmp/paddock-watch-user-')
after(() => rmSync(folder, { recursive: true }))
const at = (...names: string[]) => join(folder, ...names)
for (const name of ['code', 'config', 'state', 'run', 'root-only']) mkdirSync(at(name))
mkdirSync(at('state/watch'), { mode: 0o700 })
chmodSync(folder, 0o755)
chmodSync(at('root-only'), 0o700)
chownSync(at('state/watch'), NOBODY, NOBODY)
// As the supervisor makes it: watch adds its own socket there, and cannot take away the sensor's.
chownSync(at('run'), 0, NOBODY)
chmodSync(at('run'), 0o1770)

await bundle(['src/bin/watch.ts'], at('code'))
copyFileSync(process.execPath, at('node'))
writeFileSync(at('root-only/evidence'), 'captured bytes')
chmodSync(at('root-only/evidence'), 0o600)

const engine = createServer((socket) => socket.end('engine')).listen(at('engine.sock'))
await once(engine, 'listening')
chmodSync(at('engine.sock'), 0o660)
after(() => engine.close())

const producer = await new Producer(at('run')).listen()
chownSync(at('run', SENSOR_SOCKET), 0, NOBODY)
chmodSync(at('run', SENSOR_SOCKET), 0o660)
after(() => producer[Symbol.asyncDispose]())

const permissions = watchPermissions({
  code: at('code'),
  state: at('state/watch'),
  run: at('run'),
  config: at('config'),
})
const unprivileged = [
  '--reuid',
  String(NOBODY),
  '--regid',
  String(NOBODY),
  '--clear-groups',
  '--no-new-privs',
  '--inh-caps=-all',
  '--bounding-set=-all',
]
const env = {
  PATH: '/usr/bin:/bin',
  PADDOCK_STATE_DIR: at('state'),
  PADDOCK_RUN_DIR: at('run'),
  PADDOCK_CONFIG_DIR: at('config'),
}

/** What a captured watch would try; one line of JSON of what each attempt gave. */
writeFileSync(
  at('code/captured.mjs'),
  `import fs from 'node:fs'
import { connect } from 'node:net'
const tried = {}
const attempt = (name, work) => { try { work(); tried[name] = 'done' } catch (error) { tried[name] = error.code } }
const [folder] = process.argv.slice(2)
attempt('shadow', () => fs.readFileSync('/etc/shadow'))
attempt('evidence', () => fs.readFileSync(folder + '/root-only/evidence'))
attempt('evidence folder', () => fs.readdirSync(folder + '/root-only'))
attempt('passwd', () => fs.readFileSync('/etc/passwd'))
attempt('write code', () => fs.writeFileSync(folder + '/code/x', ''))
attempt('write config', () => fs.writeFileSync(folder + '/config/x', ''))
attempt('remove the sensor socket', () => fs.rmSync(folder + '/run/${SENSOR_SOCKET}'))
const { spawnSync } = await import('node:child_process')
attempt('program', () => { const { error } = spawnSync('/bin/true'); if (error) throw error })
const { Worker } = await import('node:worker_threads')
attempt('worker', () => new Worker('0', { eval: true }).terminate())
attempt('become root', () => process.setuid(0))
const engine = connect(folder + '/engine.sock')
engine.on('error', (error) => { tried['engine socket'] = error.code; console.log(JSON.stringify(tried)) })
engine.on('data', () => { tried['engine socket'] = 'done'; engine.destroy(); console.log(JSON.stringify(tried)) })
`,
)

async function captured(command: string, args: readonly string[]): Promise<Record<string, string>> {
  const { stdout } = await promisify(execFile)(command, args, { env })
  return JSON.parse(stdout) as Record<string, string>
}

test('a captured watch, as its user and under the permission model, gets at nothing', async () => {
  assert.deepEqual(
    await captured('setpriv', [...unprivileged, at('node'), ...permissions, at('code/captured.mjs'), folder]),
    {
      shadow: 'ERR_ACCESS_DENIED',
      evidence: 'ERR_ACCESS_DENIED',
      'evidence folder': 'ERR_ACCESS_DENIED',
      passwd: 'ERR_ACCESS_DENIED',
      'write code': 'ERR_ACCESS_DENIED',
      'write config': 'ERR_ACCESS_DENIED',
      'remove the sensor socket': 'EPERM',
      program: 'ERR_ACCESS_DENIED',
      worker: 'ERR_ACCESS_DENIED',
      'become root': 'EPERM',
      'engine socket': 'EACCES',
    },
  )
})

test('the user alone keeps it from all that is not its own, should the permission model fail', async () => {
  const tried = await captured('setpriv', [...unprivileged, at('node'), at('code/captured.mjs'), folder])
  for (const what of [
    'shadow',
    'evidence',
    'evidence folder',
    'write code',
    'write config',
    'engine socket',
  ]) {
    assert.equal(tried[what], 'EACCES', what)
  }
  assert.deepEqual([tried['remove the sensor socket'], tried['become root']], ['EPERM', 'EPERM'])
})

test('and all of watch works: it stores, serves the page, and gives evidence out through the sensor', async () => {
  const watch = spawn(
    'setpriv',
    [...unprivileged, at('node'), ...permissions, at('code/watch.js'), '--listen', '127.0.0.1:0'],
    { env, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  try {
    await serves(watch)
  } finally {
    watch.kill('SIGTERM')
    const [code] = (await once(watch, 'exit')) as [number | null]
    assert.equal(code, 0)
  }
})

// Last: root does take away the sensor's socket, in a folder that it may write to.
test('the permission model alone keeps even root from files and programs', async () => {
  const tried = await captured(at('node'), [...permissions, at('code/captured.mjs'), folder])
  const refused = [
    'shadow',
    'evidence',
    'evidence folder',
    'passwd',
    'write code',
    'write config',
    'program',
    'worker',
  ]
  for (const what of refused) assert.equal(tried[what], 'ERR_ACCESS_DENIED', what)
  assert.ok(existsSync(at('root-only/evidence')))
})

async function serves(watch: ChildProcess): Promise<void> {
  let printed = ''
  watch.stdout?.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  watch.stderr?.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  const url = await eventually(() => {
    const found = /http:\S+/.exec(printed)?.[0]
    assert.ok(found, printed)
    return found
  })
  const kept = producer.keep(Buffer.from('captured bytes'))
  producer.emit(...intrusion(web, [kept]))
  const page = async (path: string) =>
    fetch(new URL(path, url), {
      headers: { authorization: `Bearer ${readFileSync(at('state/watch/token'), 'utf8').trim()}` },
    })
  await eventually(async () => assert.match(await (await page('/api/v1/alerts')).text(), /docker exec/))
  assert.equal(await (await page(`/alerts/1/evidence/${kept.sha256}`)).text(), 'captured bytes')
  assert.equal((await page('/api/v1/backup')).status, 200)
  const { status } = await fetch(new URL('/healthz', url))
  assert.equal(status, 503)
  assert.match(await socketAnswer('/api/v1/alerts'), /docker exec/)
  const uids = execFileSync('ps', ['-o', 'uid=,gid=', '-p', String(watch.pid)], { encoding: 'utf8' })
  assert.deepEqual(uids.trim().split(/\s+/), [String(NOBODY), String(NOBODY)])
  assert.doesNotMatch(printed, /denied|Error/)
}

function socketAnswer(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ socketPath: at('run', WATCH_SOCKET), path, headers: { host: 'watch' } }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('end', () => {
        resolve(text)
      })
    })
      .on('error', reject)
      .end()
  })
}
