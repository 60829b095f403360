import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { RUN_MARK } from '../../src/services/docker.ts'
import { lockService } from '../../src/services/lock.ts'
import { endMarked } from '../../src/services/marked-processes.ts'
import { makeDataFolders } from '../../src/services/data.ts'
import { runTestProcess, type TestProcess } from '../../src/services/test-process.ts'

const folder = mkdtempSync('/var/tmp/paddock-test-process-')
after(() => rmSync(folder, { recursive: true }))

let count = 0

async function run(script: string, options: Partial<TestProcess> = {}) {
  count++
  const path = join(folder, `test-${count}`)
  writeFileSync(path, script, { mode: 0o755 })
  const lines: string[] = []
  const mark = `paddock-test-process-${process.pid}-${count}`
  const exit = await runTestProcess(mark, {
    path,
    cwd: folder,
    env: process.env,
    timeoutMs: 60_000,
    trouble: () => Promise.resolve(null),
    onLine: (line) => lines.push(line),
    signal: new AbortController().signal,
    ...options,
  })
  return { ...exit, lines, left: marked(mark) }
}

/** Processes with the mark that still run. */
function marked(mark: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark)
    } catch {
      return false
    }
  })
}

test('a test that ends is its exit code and its lines', async () => {
  assert.deepEqual(await run('#!/bin/sh\necho one; echo two >&2; exit 3\n'), {
    code: 3,
    reason: null,
    lines: ['one', 'two'],
    left: [],
  })
})

test('a test that hangs and will not be asked is ended', async () => {
  const { code, reason, left } = await run("#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1; done\n", {
    timeoutMs: 1000,
  })
  assert.deepEqual([code, reason, left], [null, 'it did not end within 1 s', []])
})

test('a test that forks and stays is ended with all it started, in whatever session', async () => {
  const { reason, left } = await run(
    '#!/bin/sh\nsetsid sh -c "setsid sleep 1000 & exec sleep 1000" & exit 0\n',
  )
  assert.match(reason ?? '', /^it left \d+ process(es)? running$/)
  assert.deepEqual(left, [])
})

test('a test that fills the disk is ended', async () => {
  const { code, reason } = await run('#!/bin/sh\nexec sleep 1000\n', {
    trouble: () => Promise.resolve('it wrote too much'),
  })
  assert.deepEqual([code, reason], [null, 'it wrote too much'])
})

test('an interruption ends it', async () => {
  const interrupted = new AbortController()
  const running = run('#!/bin/sh\nexec sleep 1000\n', { signal: interrupted.signal })
  interrupted.abort()
  assert.equal((await running).reason, 'it was interrupted')
})

test('what cannot be run is told', async () => {
  await assert.rejects(
    run('#!/no/such/interpreter\n'),
    /there is no such file, or what its first line names is missing/,
  )
  const path = join(folder, 'plain')
  writeFileSync(path, 'exit 0\n', { mode: 0o644 })
  await assert.rejects(run('', { path }), /it is not executable/)
})

test('a service is locked for one at a time, and free again when its holder is gone', async () => {
  const state = join(folder, 'lock')
  {
    using _ = await lockService(state, 'web', 'upgrade', 'first')
    await assert.rejects(
      lockService(state, 'web', 'stop', 'second'),
      /cannot stop 'web': another paddock is at it \(process \d+, upgrade, since [^\n]+\)/,
    )
  }
  using lock = await lockService(state, 'web', 'stop', 'third')
  assert.equal(lock.interrupted, null)
})

test('what a Paddock that was killed had begun is found by the lock that it never gave back, and ended', async () => {
  const state = join(folder, 'killed')
  const lock = join(import.meta.dirname, '../../src/services/lock.ts')
  const run = `killed-${process.pid}`
  const script = `
import { spawn } from 'node:child_process'
const { lockService } = await import(${JSON.stringify(lock)})
await lockService(${JSON.stringify(state)}, 'web', 'upgrade', ${JSON.stringify(run)})
spawn('sleep', ['1000'], { env: { ...process.env, ${RUN_MARK}: ${JSON.stringify(run)} }, detached: true, stdio: 'ignore' })
  .once('spawn', () => console.log('begun'))
`
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(holder.stdout, 'data')
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  assert.equal(marked(run).length, 1)
  using taken = await lockService(state, 'web', 'stop', 'next')
  assert.equal(taken.interrupted, run)
  assert.equal((await endMarked(RUN_MARK, run)).size, 1)
  assert.deepEqual(marked(run), [])
})

test('data folders are made with owner and mode, mapped; a link that a container put there is not followed', () => {
  const root = join(folder, 'data')
  const none = { uid: 0, gid: 0 }
  makeDataFolders(root, [{ path: 'db/log', uid: 33, gid: 34, mode: 0o2750 }], { uid: 200_000, gid: 300_000 })
  const seen = execFileSync('stat', ['-c', '%u %g %a', join(root, 'db/log')], { encoding: 'utf8' })
  assert.equal(seen, '200033 300034 2750\n')
  makeDataFolders(root, [{ path: 'db/log', uid: 1, gid: 1, mode: 0o700 }], none)
  assert.equal(execFileSync('stat', ['-c', '%u', join(root, 'db/log')], { encoding: 'utf8' }), '200033\n')

  execFileSync('ln', ['-s', folder, join(root, 'db/away')])
  assert.throws(
    () => makeDataFolders(root, [{ path: 'db/away/made', uid: 0, gid: 0, mode: 0o777 }], none),
    /something else than a folder is in the way/,
  )
  assert.ok(!readdirSync(folder).includes('made'))
})
