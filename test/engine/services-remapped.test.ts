import assert from 'node:assert/strict'
import { chmodSync, cpSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { freePort, makeHerd } from './herd.ts'
import { testEngine } from './harness.ts'

/* The sample herd on an engine that remaps: root in its containers is nobody on the host, and their data is still theirs. */

const FIRST_ID = 2_000_000_000
const engine = await testEngine('docker-userns-bridge')
const herd = makeHerd(engine, 'remapped')
const port = await freePort()
herd.env['PADDOCK_WEB_PORT'] = String(port)
cpSync('herd', herd.dir, { recursive: true, filter: (path) => !path.startsWith('herd/base') })
after(() => herd.remove())

async function well(...args: string[]): Promise<string> {
  const { code, out, err } = await herd.paddock(...args)
  assert.equal(code, 0, out + err)
  return out
}

async function visits(): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${port}/api/visits`)
  return ((await answer.json()) as { visits: number }).visits
}

async function containers(): Promise<string[]> {
  const mine = ['--filter', `label=paddock.herd=${herd.dir}`]
  return (await engine.cli('ps', '--format', '{{.Names}}', ...mine)).split('\n')
}

test('the sample herd is built, hardened, tested and run, remapped, and keeps its data', async () => {
  // As 'paddock scan' would have made it: closed to everybody.
  mkdirSync(herd.state)
  chmodSync(herd.state, 0o700)
  await well('build', '--all')
  await well('test', '--all')
  await well('promote', '--all')
  await well('up', '--all')
  const first = await visits()
  assert.equal(await visits(), first + 1)

  const names = await containers()
  assert.equal(names.length, 3)
  for (const name of names) {
    const pid = await engine.cli('inspect', '--format', '{{.State.Pid}}', name)
    const uids = /^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    assert.ok(Number(uids) >= FIRST_ID, `${name} runs as ${String(uids)}`)
  }
  const redis = names.find((name) => name.includes('redis')) ?? ''
  const data = await engine.cli('inspect', '--format', '{{(index .Mounts 0).Source}}', redis)
  assert.equal(statSync(data).uid, FIRST_ID + 999)
  assert.equal(statSync(join(data, '..')).mode & 0o077, 0o011)
  assert.match(await well('scan', ...names), /nothing unexpected in 3 containers/)

  // Its test begins with a copy of production's data, and leaves it alone; new containers find it again.
  await well('test', 'redis')
  await well('restart', 'redis')
  assert.equal(await visits(), first + 2)
})
