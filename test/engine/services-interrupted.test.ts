import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { freePort, makeHerd } from './herd.ts'
import { testEngine } from './harness.ts'

/* What kill -9 leaves behind, and what the next command makes of it. */

const engine = await testEngine('docker-bridge')
const herd = makeHerd(engine, 'killed')
after(async () => {
  await herd.remove()
  for (const tag of ['live', 'prev', 'latest', 'built'])
    await engine.cli('image', 'rm', `killed/site:${tag}`).catch(() => undefined)
})

const port = await freePort()
const mine = ['--filter', `label=paddock.herd=${herd.dir}`]

/** Runs a command and kills it, beyond any clean-up, when it says a line. */
async function killAt(line: RegExp, ...args: string[]): Promise<void> {
  const child = spawn(process.execPath, ['src/bin/paddock.ts', ...args], {
    env: herd.env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const said: string[] = []
  createInterface(child.stderr).on('line', (text) => {
    said.push(text)
    if (line.test(text)) child.kill('SIGKILL')
  })
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
  assert.equal(signal, 'SIGKILL', said.join('\n'))
}

async function live(): Promise<string> {
  return engine.cli('image', 'inspect', '--format', '{{.Id}}', 'killed/site:live')
}

test('an upgrade that was killed while it watched is undone by the next command', async () => {
  assert.equal((await herd.paddock('init', 'site')).code, 0)
  const compose = join(herd.dir, 'site/compose.yaml')
  writeFileSync(compose, readFileSync(compose, 'utf8').replace(':8080:8080', `:${port}:8080`))
  const first = await herd.paddock('upgrade', 'site', '--watch', '1s')
  assert.equal(first.code, 0, first.out + first.err)
  const before = await live()
  writeFileSync(join(herd.dir, 'site/files/srv/www/index.html'), 'site is up, second')

  await killAt(/watching/, 'upgrade', 'site', '--watch', '10m')
  assert.notEqual(await live(), before)
  const ps = await herd.paddock('ps')
  assert.equal(ps.code, 0, ps.err)
  assert.match(ps.err, /site: an upgrade was interrupted: going back to what ran before/)
  assert.equal(await live(), before)
  assert.match(await (await fetch(`http://127.0.0.1:${port}/`)).text(), /<h1>site is up/)
  assert.equal((await herd.paddock('ps')).err, '')
})

test('a test that was killed is taken down by the next command', async () => {
  await killAt(/testing/, 'test', 'site')
  assert.notEqual(await engine.cli('ps', '-q', ...mine, '--filter', 'label=paddock.instance=test'), '')
  const ps = await herd.paddock('ps')
  assert.match(ps.err, /site: an interrupted test was taken down/)
  assert.equal(await engine.cli('ps', '-aq', ...mine, '--filter', 'label=paddock.instance=test'), '')
  assert.equal(readdirSync(herd.policies).length, 1)
})
